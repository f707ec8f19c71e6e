package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A sidecar serves the requests of one Node process, and carries its connections.
type sidecar struct {
	out     *outbox
	secrets *secrets
	nodes   nodes
}

// Maximum length of a control line.
const requestLimit = 1 << 20

// control serves requests until their end.
func (s *sidecar) control(requests io.Reader) {
	lines := bufio.NewScanner(requests)
	lines.Buffer(make([]byte, 64<<10), requestLimit)
	for lines.Scan() {
		r := new(request)
		if err := json.Unmarshal(lines.Bytes(), r); err != nil || r.ID <= 0 {
			// The line itself may contain a key, and the parser's error may quote it.
			s.out.event("proto_error", fields{"error": "a line is no request: it must be a JSON object with a positive id"})
			continue
		}
		r.AuthKey = strings.TrimSpace(r.AuthKey)
		s.secrets.add(r.AuthKey)
		go func() {
			answer, err := s.carryOut(r)
			s.out.answer(r.ID, answer, err)
		}()
	}
}

func (s *sidecar) carryOut(r *request) (fields, error) {
	switch r.Op {
	case "up":
		return s.up(r)
	case "down":
		n, err := s.nodes.remove(r.Node)
		if n != nil {
			err = n.down(r.Logout)
		}
		s.nodes.explain(r.Node, r.Reason)
		return nil, err
	case "close":
		return nil, s.close(r.Listener)
	}
	n, err := s.nodes.ready(r.Node)
	if err != nil {
		return nil, err
	}
	switch r.Op {
	case "listen":
		return n.listen(r)
	case "cert":
		return n.certificate(r.Domain)
	case "status":
		return n.status(r.Probe)
	}
	ctx, cancel := context.WithTimeout(n.ctx, r.timeout(namesWithin))
	defer cancel()
	switch r.Op {
	case "resolve", "reverse":
		return n.lookUp(ctx, r)
	case "whois":
		return n.whois(ctx, r.Address)
	case "ping":
		return n.ping(ctx, r.Host)
	}
	return nil, fail("EPROTO", "there is no op %q", r.Op)
}

// lookUp is requested on both channels.
func (n *node) lookUp(ctx context.Context, r *request) (fields, error) {
	if r.Op == "reverse" {
		names, err := n.reverse(ctx, r.Address)
		return fields{"names": names}, err
	}
	addresses, err := n.lookup(ctx, r.Name, r.Family)
	return fields{"addresses": texts(addresses)}, err
}

func (s *sidecar) up(r *request) (fields, error) {
	n := newNode(r.Node, s.out)
	settle, err := s.nodes.add(n)
	if err != nil {
		return nil, err
	}
	answer, err := n.up(r)
	settle(err)
	return answer, err
}

// close releases a listener, which may be gone already.
func (s *sidecar) close(id string) error {
	name, _, _ := strings.Cut(id, "/")
	if n, err := s.nodes.ready(name); err == nil {
		n.ports.close(id)
	}
	return nil
}

// whois accepts an address with or without a port.
func (n *node) whois(ctx context.Context, text string) (fields, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, fail("EINVAL", "%q is no IP address", text)
		}
		address = with.Addr()
	}
	found, err := n.whoIs(ctx, address.Unmap())
	if err == nil && found == nil {
		err = fail("ENOTFOUND", "the tailnet knows no peer at %s", address)
	}
	return fields{"peer": found}, err
}

// carry serves the data socket until it is closed.
func (s *sidecar) carry(socket *net.UnixListener) {
	for {
		conn, err := socket.AcceptUnix()
		if err != nil {
			return
		}
		go s.serveData(conn)
	}
}

// stop takes all nodes down, within the given time.
func (s *sidecar) stop(within time.Duration) {
	var all sync.WaitGroup
	for _, name := range s.nodes.names() {
		all.Go(func() {
			if n, _ := s.nodes.remove(name); n != nil {
				_ = n.down(false)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(within):
	}
}
