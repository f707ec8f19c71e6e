package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// dialTCP connects only to addresses that the tailnet routes. tsnet's own Dial sends every other target out by the
// network of the host, and queries the host's resolver for names. dialTCP never leaves the user-space stack. There, a
// target without a route would wait in vain, so it is refused before.
func (n *node) dialTCP(ctx context.Context, host string, port int) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, fail("EINVAL", "port must be 1 to 65535, not %d", port)
	}
	if err := n.self.member(); err != nil {
		return nil, err
	}
	address, err := n.locate(ctx, host)
	if err != nil {
		return nil, err
	}
	at := netip.AddrPortFrom(address, uint16(port))
	conn, err := n.attempt(ctx, at, false)
	if errors.Is(err, errThere) {
		conn, err = n.attempt(ctx, at, true)
	}
	if err != nil {
		return nil, err
	}
	n.answers.note(at)
	keepAlive(conn)
	return conn, nil
}

// attempt dials once; it ends early if the tailnet knows why there is no reply. If the peer was online before, silence
// means a filter.
func (n *node) attempt(ctx context.Context, at netip.AddrPort, wasThere bool) (net.Conn, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	doubt := time.AfterFunc(dialPatience, func() {
		if err := n.silence(ctx, at, wasThere, began); err != nil {
			cancel(err)
		}
	})
	defer doubt.Stop()
	conn, err := n.dialer.NetstackDialTCP(ctx, at)
	var known *failure
	if err != nil && errors.As(context.Cause(ctx), &known) {
		return nil, known
	}
	return conn, err
}

// locate resolves a name or an address to an address that the tailnet routes.
func (n *node) locate(ctx context.Context, host string) (netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return n.routed(address)
	}
	found, err := n.lookup(ctx, host, 0)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, address := range found {
		if address, err = n.routed(address); err == nil {
			return address, nil
		}
	}
	return netip.Addr{}, err
}

func (n *node) routed(address netip.Addr) (netip.Addr, error) {
	address = address.Unmap()
	// With an exit node every address has a route, but these have no meaning elsewhere.
	if address.IsLoopback() || address.IsUnspecified() || address.IsMulticast() || address.IsLinkLocalUnicast() {
		return address, fail("EHOSTUNREACH", "%s means this machine, or its own network: no tailnet leads there", address)
	}
	if address.Zone() != "" || !n.dialer.UseNetstackForIP(address) {
		return address, fail("EHOSTUNREACH", "%s is neither a peer of this tailnet nor in a subnet that one announces", address)
	}
	return address, nil
}

// These probes detect, in about two minutes, that the peer of an idle connection disappeared without notice.
const (
	keepAliveIdle     = 60 * time.Second
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 4
)

func keepAlive(conn net.Conn) {
	endpoint, ok := endpointOf(conn)
	if !ok {
		return
	}
	idle, interval := tcpip.KeepaliveIdleOption(keepAliveIdle), tcpip.KeepaliveIntervalOption(keepAliveInterval)
	endpoint.SetSockOpt(&idle)
	endpoint.SetSockOpt(&interval)
	endpoint.SetSockOptInt(tcpip.KeepaliveCountOption, keepAliveCount)
	endpoint.SocketOptions().SetKeepAlive(true)
}

func splitAddress(address string) (string, int, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, fail("EINVAL", "%q is no address with a port", address)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fail("EINVAL", "%q is no address with a port", address)
	}
	return host, int(port), nil
}
