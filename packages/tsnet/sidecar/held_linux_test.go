package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// pair is a connection of Node and our end of it.
func pair(t *testing.T) (node *net.UnixConn, ours *held) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	node, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: listener.Addr().String(), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	if ours, err = hold(accepted); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close(); ours.Close() })
	return node, ours
}

func begin(t *testing.T, node *net.UnixConn, ours *held, text string) {
	t.Helper()
	if _, err := node.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if line, err := ours.readLine(lineLimit); err != nil || string(line) != "line" {
		t.Fatalf("%q, %v", line, err)
	}
}

func TestHeldReadsWhatFollowsTheLine(t *testing.T) {
	node, ours := pair(t)
	begin(t, node, ours, "line\nearly")
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		node.Write(sent)
		node.CloseWrite()
	}()
	got, err := io.ReadAll(ours)
	if err != nil || !bytes.Equal(got, append([]byte("early"), sent...)) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestHeldReadsByteByByte(t *testing.T) {
	node, ours := pair(t)
	begin(t, node, ours, "line\n")
	var one [1]byte
	for _, char := range []byte("abc") {
		node.Write([]byte{char})
		if n, err := ours.Read(one[:]); n != 1 || err != nil || one[0] != char {
			t.Fatalf("%d %q %v", n, one, err)
		}
	}
}

func TestLineOfTwoWrites(t *testing.T) {
	node, ours := pair(t)
	node.Write([]byte("li"))
	go func() {
		time.Sleep(10 * time.Millisecond)
		node.Write([]byte("ne\nrest"))
	}()
	if line, err := ours.readLine(lineLimit); err != nil || string(line) != "line" {
		t.Fatalf("%q, %v", line, err)
	}
}

func TestLineWithoutEnd(t *testing.T) {
	node, ours := pair(t)
	node.Write([]byte("li"))
	node.CloseWrite()
	if _, err := ours.readLine(lineLimit); !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	node, ours = pair(t)
	node.Write(bytes.Repeat([]byte("x"), 20))
	if _, err := ours.readLine(10); failureOf(err).code != "EPROTO" {
		t.Errorf("%v", err)
	}
}

func TestClosingIsAResetUnlessReleased(t *testing.T) {
	for _, orderly := range []bool{true, false} {
		node, ours := pair(t)
		begin(t, node, ours, "line\n")
		node.Write([]byte("data"))
		ours.Read(make([]byte, 10))
		ours.Write([]byte("answer"))
		if orderly {
			ours.release()
		}
		ours.Close()
		got, err := io.ReadAll(node)
		if string(got) != "answer" || errors.Is(err, syscall.ECONNRESET) == orderly {
			t.Errorf("orderly %v: %q, %v", orderly, got, err)
		}
	}
}

func TestWhoLeavesIsNoticed(t *testing.T) {
	node, ours := pair(t)
	begin(t, node, ours, "line\n")
	called := make(chan struct{})
	stop := ours.whenEnded(func() { close(called) })
	node.Close()
	<-called
	stop()
}

func TestWatchingStops(t *testing.T) {
	node, ours := pair(t)
	begin(t, node, ours, "line\n")
	ours.whenEnded(func() { t.Error("nobody left") })()
	node.Write([]byte("x"))
	if n, err := ours.Read(make([]byte, 9)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
