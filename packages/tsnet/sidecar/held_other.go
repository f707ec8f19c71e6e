//go:build !linux

package main

import (
	"bufio"
	"errors"
	"net"
)

// held is a plain connection where closing with bytes unread resets nobody: there Node learns of the end of the process from the
// process alone.
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

// whenEnded cannot be known here without reading.
func (h *held) whenEnded(func()) (stop func()) { return func() {} }

// awaitGone cannot be known here before something is written.
func (h *held) awaitGone() { select {} }

func (h *held) release() {}
