//go:build linux

package main

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// maxLine is the longest line that the parent sends: a line names a connection.
const maxLine = 64 << 10

var (
	handleMark = []byte(`"cmd":"NODE_HANDLE"`)
	ack        = []byte("{\"cmd\":\"NODE_HANDLE_ACK\"}\n")
)

// maxQueued is the number of connections that wait here. Node sends the next one when the last was acknowledged.
const maxQueued = 16

// passed is a connection on its way to the program, with the line that names it.
type passed struct {
	message []byte
	handle  int
}

// relay passes connections that the parent sends on to the program, one after the other: the next one when the program
// has acknowledged the last. Lines that the program writes are only counted; their content never reaches the parent.
// Returns when the parent closes its end, whether or not the program acknowledges anything.
func relay(parent, program int) {
	queue := make(chan passed, maxQueued)
	defer close(queue)
	go passOn(parent, program, queue)
	var line []byte
	var handles []int
	chunk, control := make([]byte, maxLine), make([]byte, unix.CmsgSpace(4*16))
	for {
		n, controls, _, _, err := unix.Recvmsg(parent, chunk, control, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		handles = append(handles, received(control[:controls])...)
		line = append(line, chunk[:n]...)
		for {
			at := bytes.IndexByte(line, '\n')
			if at == -1 {
				break
			}
			message := line[:at+1]
			if bytes.Contains(message, handleMark) && len(handles) > 0 {
				select {
				case queue <- passed{bytes.Clone(message), handles[0]}:
				default:
					return
				}
				handles = handles[1:]
			}
			line = line[at+1:]
		}
		if len(line) > maxLine {
			return
		}
	}
}

// passOn sends each connection when the program has acknowledged the one before, and tells the parent.
func passOn(parent, program int, queue <-chan passed) {
	acknowledged := make(chan struct{}, 1)
	go countLines(program, acknowledged)
	for next := range queue {
		select {
		case <-acknowledged:
		default:
		}
		unix.Sendmsg(program, next.message, unix.UnixRights(next.handle), nil, unix.MSG_NOSIGNAL)
		unix.Close(next.handle)
		if _, isOpen := <-acknowledged; !isOpen {
			return
		}
		writeAll(parent, ack)
	}
}

func received(control []byte) (handles []int) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil
	}
	for _, message := range messages {
		if fds, err := unix.ParseUnixRights(&message); err == nil {
			handles = append(handles, fds...)
		}
	}
	return handles
}

// countLines reports at most one line that was not yet expected.
func countLines(program int, lines chan<- struct{}) {
	defer close(lines)
	chunk := make([]byte, 4096)
	for {
		n, err := unix.Read(program, chunk)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return
		}
		if bytes.IndexByte(chunk[:n], '\n') == -1 {
			continue
		}
		select {
		case lines <- struct{}{}:
		default:
		}
	}
}

func writeAll(fd int, bytes []byte) {
	for len(bytes) > 0 {
		n, err := unix.Write(fd, bytes)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return
		}
		bytes = bytes[n:]
	}
}
