package main

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"tailscale.com/ipn"
	"tailscale.com/tailcfg"
	"tailscale.com/types/dnstype"
)

func TestDialing(t *testing.T) {
	control := newTailnet(t)
	// testcontrol has no way to change resolvers later.
	control.DNSConfig.Routes = map[string][]*dnstype.Resolver{"corp.test": {{Addr: "100.64.0.2"}}, "out.test": {{Addr: "127.0.0.1:53"}}}
	control.DNSConfig.ExtraRecords = []tailcfg.DNSRecord{{Name: "extra.tail.test", Value: "100.64.0.2"}}
	one, two := newTestNode(t, control, "one"), newTestNode(t, control, "two")
	serveAt(t, two, &request{Port: 80}, echo)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()

	t.Run("peers, by name and address", func(t *testing.T) {
		for _, host := range []string{"two", "two.tail.test", "TWO.tail.test.", "extra.tail.test", "extra", "100.64.0.2", "fd7a:115c:a1e0::4001"} {
			if host == "fd7a:115c:a1e0::4001" {
				host = two.self.ips()[1].String()
			}
			echoes(t, ctx, one, host, 80)
		}
	})
	t.Run("nothing outside of the tailnet, at once", func(t *testing.T) {
		outside, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer outside.Close()
		port := outside.Addr().(*net.TCPAddr).Port
		for host, want := range map[string]string{
			"127.0.0.1": "EHOSTUNREACH", "::ffff:127.0.0.1": "EHOSTUNREACH", "8.8.8.8": "EHOSTUNREACH", "100.100.100.100": "EHOSTUNREACH",
			"fe80::1%lo": "EHOSTUNREACH", "localhost": "ENOTFOUND", "example.org": "ENOTFOUND", "three": "ENOTFOUND", "host.out.test": "ENOTFOUND",
		} {
			// A busy machine may stop a test at any place; it does not do so five times.
			fastest := time.Hour
			for range 5 {
				started := time.Now()
				if _, err := one.dialTCP(ctx, host, port); failureOf(err).code != want {
					t.Errorf("%s: %v, not %s", host, err, want)
				}
				fastest = min(fastest, time.Since(started))
			}
			if fastest > 50*time.Millisecond {
				t.Errorf("%s took %s", host, fastest)
			}
		}
		// The same listener is reached by the path that is not used.
		conn, err := one.server.Dial(ctx, "tcp", outside.Addr().String())
		if err != nil {
			t.Fatalf("tsnet's own Dial no longer leaves by the host's network (%v): is the guard still needed?", err)
		}
		conn.Close()
	})
	t.Run("subnets that a peer announces", func(t *testing.T) {
		serveAt(t, two, &request{Host: "10.99.0.5", Port: 80}, echo)
		if _, err := one.dialTCP(ctx, "10.99.0.5", 80); failureOf(err).code != "EHOSTUNREACH" {
			t.Errorf("before it was announced: %v", err)
		}
		self, err := two.local.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		routes := []netip.Prefix{netip.MustParsePrefix("10.99.0.0/24")}
		announced := &ipn.MaskedPrefs{Prefs: ipn.Prefs{AdvertiseRoutes: routes}, AdvertiseRoutesSet: true}
		if _, err := two.local.EditPrefs(ctx, announced); err != nil {
			t.Fatal(err)
		}
		control.SetSubnetRoutes(self.Self.PublicKey, routes)
		// Each side gets the route at its own time, and packets that arrive at the router meanwhile are lost.
		for _, err = echoed(ctx, one, "10.99.0.5", 80); err != nil && ctx.Err() == nil; {
			_, err = echoed(ctx, one, "10.99.0.5", 80)
		}
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("names of resolvers in the tailnet", func(t *testing.T) {
		socket, err := two.server.ListenPacket("udp", "100.64.0.2:53")
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		go answerNames(socket)
		echoes(t, ctx, one, "web.corp.test", 80)
		if _, err := one.lookup(ctx, "missing.corp.test", 0); failureOf(err).code != "ENOTFOUND" {
			t.Errorf("%v", err)
		}
	})
	t.Run("names of addresses", func(t *testing.T) {
		if found, err := one.reverse(ctx, two.self.ips()[1].String()); err != nil || len(found) != 1 || found[0] != "two.tail.test" {
			t.Errorf("%v, %v", found, err)
		}
	})
}

func echoes(t *testing.T, ctx context.Context, n *node, host string, port int) {
	t.Helper()
	if got, err := echoed(ctx, n, host, port); got != "hello" || err != nil {
		t.Fatalf("%s: %q, %v", host, got, err)
	}
}

func echoed(ctx context.Context, n *node, host string, port int) (string, error) {
	conn, err := n.dialTCP(ctx, host, port)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * time.Second))
	conn.Write([]byte("hello"))
	if err := closeWrite(conn); err != nil {
		return "", err
	}
	got, err := io.ReadAll(conn)
	return string(got), err
}

// answerNames knows one name.
func answerNames(socket net.PacketConn) {
	query := make([]byte, 2048)
	for {
		size, from, err := socket.ReadFrom(query)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(query[:size]) != nil {
			continue
		}
		message.Response, message.RCode = true, dnsmessage.RCodeNameError
		asked := message.Questions[0]
		if asked.Name.String() == "web.corp.test." {
			message.RCode = dnsmessage.RCodeSuccess
			if asked.Type == dnsmessage.TypeA {
				message.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: asked.Name, Class: dnsmessage.ClassINET},
					Body:   &dnsmessage.AResource{A: [4]byte{100, 64, 0, 2}},
				}}
			}
		}
		if answer, err := message.Pack(); err == nil {
			socket.WriteTo(answer, from)
		}
	}
}
