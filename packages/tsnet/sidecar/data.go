package main

import (
	"context"
	"encoding/json"
	"net"
	"time"
)

const (
	lineLimit    = 16 << 10
	headerWithin = 10 * time.Second
	namesWithin  = 5 * time.Second
)

// serveData serves one connection to the data socket.
func (s *sidecar) serveData(conn *net.UnixConn) {
	client, err := hold(conn)
	if err != nil {
		conn.Close()
		return
	}
	if err := s.serve(client); err != nil {
		_ = writeLine(client, s.out.refusal(err))
		client.release()
		client.Close()
	}
}

func (s *sidecar) serve(client *held) error {
	client.SetReadDeadline(time.Now().Add(headerWithin))
	line, err := client.readLine(lineLimit)
	if err != nil {
		return err
	}
	client.SetReadDeadline(time.Time{})
	r := new(request)
	if err := json.Unmarshal(line, r); err != nil {
		return fail("EPROTO", "the first line is no request: %w", err)
	}
	n, err := s.nodes.ready(r.Node)
	if err != nil {
		return err
	}
	switch r.Op {
	case "dial":
		return n.serveDial(client, r)
	case "packet":
		return n.servePackets(client, r)
	case "resolve", "reverse":
		return n.serveNames(client, r)
	}
	return fail("EPROTO", "the data socket knows no op %q", r.Op)
}

func (n *node) serveDial(client *held, r *request) error {
	ctx, cancel := context.WithTimeout(n.ctx, r.timeout(30*time.Second))
	defer cancel()
	// A client that destroys the socket no longer wants the connection.
	stop := client.whenEnded(cancel)
	conn, err := n.dialTCP(ctx, r.Host, r.Port)
	stop()
	if err != nil {
		if n.ctx.Err() != nil {
			return n.ended(err)
		}
		return err
	}
	if err := writeLine(client, fields{"ok": true, "local": conn.LocalAddr().String(), "remote": conn.RemoteAddr().String()}); err != nil {
		abortTCP(conn)
		return err
	}
	n.tunnel(client, conn)
	return nil
}

// serveNames serves threads, which have no other channel for requests.
func (n *node) serveNames(client *held, r *request) error {
	ctx, cancel := context.WithTimeout(n.ctx, r.timeout(namesWithin))
	defer cancel()
	answer, err := n.lookUp(ctx, r)
	if err != nil {
		return err
	}
	answer["ok"] = true
	err = writeLine(client, answer)
	client.release()
	client.Close()
	return err
}

// tunnel joins the two connections until one of them, or the node, ends.
func (n *node) tunnel(client *held, conn net.Conn) {
	joined := &tunnel{node: client, tailnet: conn, traffic: &n.traffic}
	forget, ok := n.open.add(joined)
	if !ok {
		joined.abort()
		return
	}
	defer forget()
	joined.run()
}

func writeLine(to net.Conn, line fields) error {
	encoded, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = to.Write(append(encoded, '\n'))
	return err
}
