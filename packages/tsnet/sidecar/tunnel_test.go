package main

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// dialAsNode opens a connection by the data socket's protocol.
func dialAsNode(t *testing.T, n *node, host string, port int) *net.UnixConn {
	t.Helper()
	node, ours := pair(t)
	begin(t, node, ours, "line\n")
	go func() {
		if err := n.serveDial(ours, &request{Host: host, Port: port}); err != nil {
			ours.Close()
		}
	}()
	var char [1]byte
	for char[0] != '\n' {
		if _, err := node.Read(char[:]); err != nil {
			t.Fatal(err)
		}
	}
	return node
}

func TestConnectionsEndAsTheyDo(t *testing.T) {
	control := newTailnet(t)
	one, two := newTestNode(t, control, "one"), newTestNode(t, control, "two")
	serveAt(t, two, &request{Port: 80}, echo)
	reset := make(chan error, 1)
	serveAt(t, two, &request{Port: 81}, func(conn *net.UnixConn) {
		conn.Write([]byte("half"))
		_, err := io.ReadAll(conn)
		reset <- err
	})

	t.Run("half by half", func(t *testing.T) {
		conn := dialAsNode(t, one, "two", 80)
		conn.Write([]byte("hello"))
		conn.CloseWrite()
		if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("with a reset on both sides when the node goes", func(t *testing.T) {
		conn := dialAsNode(t, one, "two", 81)
		if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
			t.Fatal(err)
		}
		if err := one.down(false); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("here: %v", err)
		}
		if err := <-reset; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("there: %v", err)
		}
	})
}

// More connections than the packet queue holds, for which tsnet's own Close waits forever.
func TestANodeWithManyConnectionsEnds(t *testing.T) {
	control := newTailnet(t)
	one, two := newTestNode(t, control, "one"), newTestNode(t, control, "two")
	serveAt(t, two, &request{Port: 80}, func(conn *net.UnixConn) { io.Copy(io.Discard, conn) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range 600 {
		if _, err := one.dialTCP(ctx, "two", 80); err != nil {
			t.Fatal(err)
		}
	}
	if found, ok := stackOf(one.server); !ok || len(found.RegisteredEndpoints()) < 600 {
		t.Error("the endpoints of the stack are not reached any more")
	}
	if err := one.down(false); err != nil {
		t.Error(err)
	}
}

func TestLoginsThatFail(t *testing.T) {
	control := newTailnet(t)
	up := func(r *request) string {
		n := newNode(r.Node, &outbox{to: io.Discard, secrets: &secrets{}})
		r.StateDir = filepath.Join(t.TempDir(), r.Node)
		_, err := n.up(r)
		if err == nil {
			t.Fatal("it came up")
		}
		return failureOf(err).code
	}
	if code := up(&request{Node: "a", Hostname: "a", ControlURL: control.BaseURL(), AuthKey: "wrong"}); code != "EAUTH" {
		t.Errorf("a wrong key: %s", code)
	}
	if code := up(&request{Node: "b", Hostname: "b", ControlURL: "http://127.0.0.1:1", AuthKey: tailnetKey, TimeoutMS: 300}); code != "ECONTROL" {
		t.Errorf("no control server: %s", code)
	}
	control.RequireAuthKey, control.RequireAuth = "", true
	if code := up(&request{Node: "c", Hostname: "c", ControlURL: control.BaseURL(), TimeoutMS: 1000}); code != "ELOGIN" {
		t.Errorf("no key: %s", code)
	}
}
