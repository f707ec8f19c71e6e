package main

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
)

// dialTCP connects to what the tailnet routes, and to nothing else: tsnet's own Dial sends whatever is no peer out by the network
// of the host, and asks the host's resolver for names. It never leaves the user-space stack, in which what has no route would
// wait for nothing; so that is refused before.
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
	conn, err := n.dialer.NetstackDialTCP(ctx, netip.AddrPortFrom(address, uint16(port)))
	if err != nil {
		return nil, err
	}
	keepAlive(conn)
	return conn, nil
}

// locate turns a name or an address into an address that the tailnet routes.
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
	if address.Zone() != "" || !n.dialer.UseNetstackForIP(address) {
		return address, fail("EHOSTUNREACH", "%s is neither a peer of this tailnet nor in a subnet that one announces", address)
	}
	return address, nil
}

// The peer of an idle connection that has gone without a word is found out by these, in about two minutes.
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
