package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// A tunnel joins a connection of Node to one of the tailnet. An end of a stream is passed on as an end, a reset as a
// reset.
type tunnel struct {
	node    *held
	tailnet net.Conn
	traffic *traffic
	once    sync.Once
}

// traffic counts the bytes of users.
type traffic struct{ received, sent atomic.Int64 }

// A waiting connection holds a small buffer; a flowing one, a large buffer.
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

// abort ends both sides so that each of them sees a reset.
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

// followGone ends the peer's side too, once Node also stops reading: there is no receiver left.
func (t *tunnel) followGone() {
	t.node.awaitGone()
	t.once.Do(func() {
		t.tailnet.Close()
		// An end of both directions looks the same as a destroyed socket: data that Node has not read yet must end in
		// order.
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
		// A full buffer means that more data is available at once.
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

// bare returns the connection under TLS.
func bare(conn net.Conn) net.Conn {
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return wrapped.NetConn()
	}
	return conn
}
