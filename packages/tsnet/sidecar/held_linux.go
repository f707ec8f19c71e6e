package main

import (
	"bytes"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A held connection to Node keeps one byte unread as long as it is open. Linux resets the other end of a Unix socket
// that is closed with unread bytes, also when the process dies. So an end without release is ECONNRESET in Node, and
// never looks like the end of a stream.
type held struct {
	*net.UnixConn
	raw syscall.RawConn
}

// Most first lines are shorter.
const usualLine = 1 << 10

func hold(conn *net.UnixConn) (*held, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &held{UnixConn: conn, raw: raw}, nil
}

// readLine reads the first line, without its line feed, which is the byte that stays unread.
func (h *held) readLine(limit int) ([]byte, error) {
	buffer := make([]byte, min(limit, usualLine))
	seen := 0
	for {
		peeked, err := h.peek(buffer, seen)
		if err != nil {
			return nil, err
		}
		if end := bytes.IndexByte(buffer[:peeked], '\n'); end >= 0 {
			return h.take(buffer[:end])
		}
		if peeked == limit {
			return nil, fail("EPROTO", "the first line is longer than %d bytes", limit)
		}
		if seen = peeked; seen == len(buffer) {
			buffer = make([]byte, limit)
		}
	}
}

// peek waits until more than seen bytes are available, and returns them without consuming them.
func (h *held) peek(buffer []byte, seen int) (int, error) {
	var size int
	err := h.await(func(fd int) (bool, error) {
		n, _, err := unix.Recvfrom(fd, buffer, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		size = n
		if err == unix.EAGAIN || (err == nil && n == seen && n > 0 && !ended(fd)) {
			return false, nil
		}
		if err == nil && n <= seen {
			return true, io.EOF
		}
		return true, err
	})
	return size, err
}

func (h *held) take(buffer []byte) ([]byte, error) {
	if len(buffer) == 0 {
		return buffer, nil
	}
	_, err := io.ReadFull(h.UnixConn, buffer)
	return buffer, err
}

// Read returns the bytes after the held one, and leaves the last of them unread in its place.
func (h *held) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	var first [1]byte
	var fresh int
	err := h.await(func(fd int) (bool, error) {
		n, _, _, _, err := unix.RecvmsgBuffers(fd, [][]byte{first[:], p}, nil, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if err != nil && err != unix.EAGAIN {
			return true, err
		}
		if n >= 2 {
			fresh = n - 1
			// Reads the same bytes into the same buffers; all except the last one leave the queue.
			_, _, _, _, err = unix.RecvmsgBuffers(fd, [][]byte{first[:], p[:fresh-1]}, nil, unix.MSG_DONTWAIT)
			return true, err
		}
		if ended(fd) {
			// Bytes that arrived between the two calls are still in the queue.
			n, _, _, _, err = unix.RecvmsgBuffers(fd, [][]byte{first[:], p}, nil, unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if err == nil && n >= 2 {
				fresh = n - 1
				_, _, _, _, err = unix.RecvmsgBuffers(fd, [][]byte{first[:], p[:fresh-1]}, nil, unix.MSG_DONTWAIT)
				return true, err
			}
			return true, io.EOF
		}
		return false, nil
	})
	return fresh, err
}

// whenEnded calls call once the other side stops writing, unless stop was called before; nothing may be read meanwhile.
func (h *held) whenEnded(call func()) (stop func()) {
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		if h.await(func(fd int) (bool, error) { return ended(fd), nil }) == nil {
			call()
		}
	}()
	return func() {
		h.SetReadDeadline(time.Unix(1, 0))
		<-finished
		h.SetReadDeadline(time.Time{})
	}
}

// awaitGone returns when the other side has closed both directions, or this side was closed.
func (h *held) awaitGone() {
	_ = h.await(func(fd int) (bool, error) { return polled(fd, unix.POLLHUP), nil })
}

// release reads the held byte, so that the connection closes in an orderly way.
func (h *held) release() {
	_ = h.raw.Control(func(fd uintptr) {
		var rest [1]byte
		_, _, _ = unix.Recvfrom(int(fd), rest[:], unix.MSG_DONTWAIT)
	})
}

// await calls look now, and again after each event, until it is done.
func (h *held) await(look func(fd int) (done bool, err error)) error {
	var outcome error
	err := h.raw.Read(func(fd uintptr) bool {
		done, err := look(int(fd))
		for err == unix.EINTR {
			done, err = look(int(fd))
		}
		outcome = err
		return done
	})
	if err != nil {
		return err
	}
	return outcome
}

// ended reports whether the other side has stopped writing.
func ended(fd int) bool { return polled(fd, unix.POLLRDHUP|unix.POLLHUP) }

func polled(fd int, events int16) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: events}}
	n, err := unix.Poll(poll, 0)
	return err == nil && n > 0 && poll[0].Revents&(events|unix.POLLHUP) != 0
}
