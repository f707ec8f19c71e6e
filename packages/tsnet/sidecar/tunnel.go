package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// A tunnel joins a connection of Node to one of the tailnet. The end of a stream is passed on as such, a break as a break.
type tunnel struct {
	node    *held
	tailnet net.Conn
	traffic *traffic
	once    sync.Once
}

// traffic counts the bytes of users.
type traffic struct{ received, sent atomic.Int64 }

// A connection that waits holds a small buffer; what flows, a large one.
const (
	waiting = 4 << 10
	flowing = 64 << 10
)

var buffers = sync.Pool{New: func() any { buffer := make([]byte, flowing); return &buffer }}

// run returns when both directions have ended, or one of them broke.
func (t *tunnel) run() {
	outward, inward := make(chan error, 1), make(chan error, 1)
	go func() { outward <- t.outward() }()
	go func() { inward <- t.inward() }()
	for pending := 2; pending > 0; pending-- {
		var err error
		select {
		case err = <-outward:
		case err = <-inward:
		}
		if err != nil {
			t.abort()
			return
		}
	}
	t.once.Do(func() {
		t.node.release()
		t.node.Close()
		t.tailnet.Close()
	})
}

// abort ends both sides so that each of them sees a break.
func (t *tunnel) abort() {
	t.once.Do(func() {
		abortTCP(t.tailnet)
		t.node.Close()
	})
}

func (t *tunnel) outward() error {
	if err := pass(t.tailnet, t.node, &t.traffic.sent); err != nil {
		return err
	}
	go t.followGone()
	return closeWrite(t.tailnet)
}

func (t *tunnel) inward() error {
	if err := pass(t.node, t.tailnet, &t.traffic.received); err != nil {
		return err
	}
	return closeWrite(t.node)
}

// followGone ends the peer's side too, once Node reads no more either: there is nobody left to send to.
func (t *tunnel) followGone() {
	t.node.awaitGone()
	t.once.Do(func() {
		t.tailnet.Close()
		// Both ends of sending look the same as nobody being there: what Node has not read yet is to end in order.
		t.node.release()
		t.node.Close()
	})
}

func closeWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("the connection cannot be closed by halves")
	}
	return half.CloseWrite()
}

// pass copies until the end of the stream, which is no error.
func pass(to io.Writer, from io.Reader, count *atomic.Int64) error {
	small := make([]byte, waiting)
	for {
		n, err := passOnce(to, from, small, count)
		// As long as a buffer is filled there is more to be had at once.
		for full := waiting; err == nil && n == full; full = flowing {
			n, err = passLarge(to, from, count)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func passLarge(to io.Writer, from io.Reader, count *atomic.Int64) (int, error) {
	large, _ := buffers.Get().(*[]byte)
	defer buffers.Put(large)
	return passOnce(to, from, *large, count)
}

func passOnce(to io.Writer, from io.Reader, buffer []byte, count *atomic.Int64) (int, error) {
	n, err := from.Read(buffer)
	if n == 0 {
		return n, err
	}
	count.Add(int64(n))
	if _, err := to.Write(buffer[:n]); err != nil {
		return n, err
	}
	return n, err
}

// bare is the connection below TLS.
func bare(conn net.Conn) net.Conn {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return wrapped.NetConn()
	}
	return conn
}
