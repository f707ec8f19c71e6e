package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// An exchange sends a DNS query and returns the reply.
type exchange func(ctx context.Context, query []byte) ([]byte, error)

const answerWithin = 2 * time.Second

// resolverAt returns the exchange with the resolver at an address, with or without a port, or with the one of an exit
// node, which uses DNS over HTTP. It returns false if the tailnet has no route to the resolver.
func (n *node) resolverAt(address string) (exchange, bool) {
	if strings.HasPrefix(address, "http://") {
		return n.overHTTP(address), true
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		ip, err := netip.ParseAddr(address)
		if err != nil {
			return nil, false
		}
		at = netip.AddrPortFrom(ip, 53)
	}
	if _, err := n.routed(at.Addr()); err != nil {
		return nil, false
	}
	return func(ctx context.Context, query []byte) ([]byte, error) {
		answer, err := n.overUDP(ctx, at, query)
		if err == nil && truncated(answer) {
			return n.overTCP(ctx, at, query)
		}
		return answer, err
	}, true
}

func (n *node) overUDP(ctx context.Context, at netip.AddrPort, query []byte) ([]byte, error) {
	conn, err := n.dialer.NetstackDialUDP(ctx, at)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(deadlineOf(ctx))
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	answer := make([]byte, 64<<10)
	for {
		size, err := conn.Read(answer)
		if err != nil {
			return nil, err
		}
		// A reply to another query may be forged.
		if size >= 12 && bytes.Equal(answer[:2], query[:2]) {
			return answer[:size], nil
		}
	}
}

func (n *node) overTCP(ctx context.Context, at netip.AddrPort, query []byte) ([]byte, error) {
	conn, err := n.dialer.NetstackDialTCP(ctx, at)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(deadlineOf(ctx))
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err = io.ReadFull(conn, answer)
	return answer, err
}

func (n *node) overHTTP(url string) exchange {
	client := &http.Client{Timeout: answerWithin, Transport: &http.Transport{DisableKeepAlives: true, DialContext: n.dialResolver}}
	return func(ctx context.Context, query []byte) ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(query))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/dns-message")
		response, err := client.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return nil, fail("ENOTFOUND", "the resolver answered %s", response.Status)
		}
		return io.ReadAll(io.LimitReader(response.Body, 64<<10))
	}
}

// dialResolver accepts addresses only: a resolver that is given by name would need another resolver first.
func (n *node) dialResolver(ctx context.Context, _, address string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fail("EHOSTUNREACH", "the resolver %s is not given by its address", address)
	}
	return n.dialTCP(ctx, at.Addr().String(), int(at.Port()))
}

func truncated(answer []byte) bool { return answer[2]&0x02 != 0 }

func deadlineOf(ctx context.Context) time.Time {
	latest := time.Now().Add(answerWithin)
	if own, ok := ctx.Deadline(); ok && own.Before(latest) {
		return own
	}
	return latest
}

func randomID() uint16 {
	var id [2]byte
	rand.Read(id[:])
	return binary.BigEndian.Uint16(id[:])
}
