package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A listener is a place of a node at which connections arrive, which are handed to the socket at forward.
type listener struct {
	id      string
	node    *node
	at      place
	forward string
	tls     *tls.Config
}

// A place without an address is the port on each of the node's own addresses.
type place struct {
	address netip.Addr
	port    uint16
}

func (p place) String() string {
	if p.address.IsValid() {
		return netip.AddrPortFrom(p.address, p.port).String()
	}
	return ":" + strconv.Itoa(int(p.port))
}

// ports are the listeners of one node. tsnet has its own listeners, but those return connections whose addresses are
// unknown until the handshake ends, and drop connections that are not accepted within a second.
type ports struct {
	mu     sync.Mutex
	byAt   map[place]*listener
	next   uint16
	closed bool
}

const firstEphemeral, lastEphemeral = 49152, 65535

var listenerCount atomic.Int64

func (n *node) listen(r *request) (fields, error) {
	if r.Forward == "" {
		return nil, fail("EINVAL", "forward is missing: the path of the socket that takes connections")
	}
	at, err := n.placeOf(r)
	if err != nil {
		return nil, err
	}
	made := &listener{id: n.name + "/" + strconv.FormatInt(listenerCount.Add(1), 10), node: n, at: at, forward: r.Forward}
	if r.TLS {
		if made.tls, err = n.tlsConfig(); err != nil {
			return nil, err
		}
	}
	if err := n.ports.add(made); err != nil {
		return nil, err
	}
	return fields{"listener": made.id, "addr": made.at.String(), "port": made.at.port}, nil
}

func (n *node) placeOf(r *request) (place, error) {
	if r.Port < 0 || r.Port > 65535 {
		return place{}, fail("EINVAL", "port must be 0 to 65535, not %d", r.Port)
	}
	if r.Host == "" {
		return place{port: uint16(r.Port)}, nil
	}
	address, err := netip.ParseAddr(r.Host)
	if err != nil {
		return place{}, fail("EINVAL", "host must be an IP address, not %q", r.Host)
	}
	return place{address.Unmap(), uint16(r.Port)}, nil
}

func (p *ports) add(made *listener) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errDown
	}
	if p.byAt == nil {
		p.byAt, p.next = map[place]*listener{}, firstEphemeral
	}
	if made.at.port == 0 {
		for tries := 0; made.at.port == 0 && tries <= lastEphemeral-firstEphemeral; tries++ {
			if _, taken := p.byAt[place{made.at.address, p.next}]; !taken {
				made.at.port = p.next
			}
			if p.next++; p.next < firstEphemeral {
				p.next = firstEphemeral
			}
		}
	}
	if _, taken := p.byAt[made.at]; taken || made.at.port == 0 {
		return fail("EADDRINUSE", "the node listens on %s already", made.at)
	}
	p.byAt[made.at] = made
	return nil
}

func (p *ports) close(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, one := range p.byAt {
		if one.id == id {
			delete(p.byAt, at)
		}
	}
}

func (p *ports) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byAt, p.closed = nil, true
}

func (p *ports) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byAt)
}

func (p *ports) find(dst netip.AddrPort, own []netip.Addr) *listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	if exact := p.byAt[place{dst.Addr(), dst.Port()}]; exact != nil {
		return exact
	}
	for _, address := range own {
		if address == dst.Addr() {
			return p.byAt[place{port: dst.Port()}]
		}
	}
	return nil
}

// incoming decides about each connection that arrives; a connection without a listener is reset.
func (n *node) incoming(src, dst netip.AddrPort) (func(net.Conn), bool) {
	found := n.ports.find(dst, n.self.ips())
	if found == nil {
		return nil, false
	}
	// It runs in its own goroutine, and must not return before the connection ends: then an address of a subnet is
	// removed from the stack.
	return func(conn net.Conn) { found.take(conn, src, dst) }, true
}

const (
	handshakeWithin = 30 * time.Second
	takenWithin     = 10 * time.Second
)

// take hands one connection to Node.
func (l *listener) take(conn net.Conn, src, dst netip.AddrPort) {
	if l.tls != nil {
		secured := tls.Server(conn, l.tls)
		ctx, cancel := context.WithTimeout(l.node.ctx, handshakeWithin)
		err := secured.HandshakeContext(ctx)
		cancel()
		if err != nil {
			conn.Close()
			l.lost(src, "ETLS", err)
			return
		}
		conn = secured
	}
	keepAlive(bare(conn))
	to, err := l.offer(src, dst)
	if err != nil {
		abortTCP(conn)
		l.lost(src, "EFORWARD", err)
		return
	}
	l.node.tunnel(to, conn)
}

// offer announces the connection, and waits until Node accepts it.
func (l *listener) offer(src, dst netip.AddrPort) (*held, error) {
	ctx, cancel := context.WithTimeout(l.node.ctx, takenWithin)
	defer cancel()
	who, err := l.node.whoIs(ctx, src.Addr())
	if err != nil {
		return nil, err
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: l.forward, Net: "unix"})
	if err != nil {
		return nil, err
	}
	to, err := hold(conn)
	if err == nil {
		err = writeLine(conn, fields{"node": l.node.name, "listener": l.id, "remote": src.String(), "local": dst.String(), "peer": who})
	}
	if err == nil {
		conn.SetReadDeadline(time.Now().Add(takenWithin))
		_, err = to.readLine(1)
		conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return to, nil
}

func (l *listener) lost(src netip.AddrPort, code string, err error) {
	l.node.out.event("accept_error", fields{
		"node": l.node.name, "listener": l.id, "remote": src.String(), "code": code, "error": l.node.out.secrets.blot(err.Error()),
	})
}
