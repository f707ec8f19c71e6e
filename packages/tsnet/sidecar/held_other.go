//go:build !linux

package main

import (
	"bufio"
	"errors"
	"net"
)

// held is a plain connection on systems where closing with unread bytes does not reset the other end: there Node
// detects the end of the process only from the process itself.
type held struct {
	*net.UnixConn
	reader *bufio.Reader
}

func hold(conn *net.UnixConn) (*held, error) {
	return &held{UnixConn: conn, reader: bufio.NewReaderSize(conn, 16<<10)}, nil
}

func (h *held) readLine(limit int) ([]byte, error) {
	line, err := h.reader.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fail("EPROTO", "the first line is longer than %d bytes", limit)
	}
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), line[:len(line)-1]...), nil
}

func (h *held) Read(p []byte) (int, error) { return h.reader.Read(p) }

// whenEnded cannot be detected here without reading.
func (h *held) whenEnded(func()) (stop func()) { return func() {} }

// awaitGone cannot be detected here before a write.
func (h *held) awaitGone() { select {} }

func (h *held) release() {}
