package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// A datagram port is a UDP port of a node, on one of its addresses or on both, carried in frames over a connection of
// Node.
type datagramPort struct {
	client  *held
	node    *node
	sockets []net.PacketConn
	mu      sync.Mutex
	once    sync.Once
}

const (
	frameHead    = 5
	datagramMost = 65507
	// The longest host name, with a port.
	addressMost = 255
	// Names resolve at once or never; a datagram does not wait longer.
	datagramLookup = 2 * time.Second
)

func (n *node) servePackets(client *held, r *request) error {
	if r.Port < 0 || r.Port > 65535 {
		return fail("EINVAL", "port must be 0 to 65535, not %d", r.Port)
	}
	sockets, err := n.bind(r.Host, uint16(r.Port))
	if err != nil {
		return err
	}
	opened := &datagramPort{client: client, node: n, sockets: sockets}
	forget, ok := n.open.add(opened)
	if !ok {
		opened.abort()
		return errDown
	}
	defer forget()
	defer opened.abort()
	locals := []string{}
	for _, socket := range sockets {
		locals = append(locals, socket.LocalAddr().String())
	}
	if err := writeLine(client, fields{"ok": true, "local": locals[0], "locals": locals}); err != nil {
		return nil
	}
	for _, socket := range sockets {
		go opened.inward(socket)
	}
	if opened.outward() == nil {
		client.release()
	}
	return nil
}

// bind opens the port on the given address, or the same port on each address of the node.
func (n *node) bind(host string, port uint16) ([]net.PacketConn, error) {
	addresses := n.self.ips()
	if host != "" {
		address, err := netip.ParseAddr(host)
		if err != nil {
			return nil, fail("EINVAL", "host must be an IP address of the node, not %q", host)
		}
		addresses = []netip.Addr{address.Unmap()}
	}
	var sockets []net.PacketConn
	for _, address := range addresses {
		socket, err := n.server.ListenPacket("udp", net.JoinHostPort(address.String(), strconv.Itoa(int(port))))
		if err != nil {
			for _, opened := range sockets {
				opened.Close()
			}
			return nil, err
		}
		sockets = append(sockets, socket)
		if at, err := netip.ParseAddrPort(socket.LocalAddr().String()); err == nil {
			port = at.Port()
		}
	}
	if len(sockets) == 0 {
		return nil, fail("EIO", "the node has no address")
	}
	return sockets, nil
}

// abort ends the port; Node sees a reset unless the connection was released before.
func (d *datagramPort) abort() {
	d.once.Do(func() {
		for _, socket := range d.sockets {
			socket.Close()
		}
		d.client.Close()
	})
}

func (d *datagramPort) inward(socket net.PacketConn) {
	defer d.abort()
	payload := make([]byte, datagramMost)
	for {
		size, from, err := socket.ReadFrom(payload)
		if err != nil {
			return
		}
		d.node.traffic.received.Add(int64(size))
		if d.send(from.String(), payload[:size]) != nil {
			return
		}
	}
}

// outward returns without an error when Node ends the connection.
func (d *datagramPort) outward() error {
	frames := bufio.NewReaderSize(d.client, 64<<10)
	for {
		to, payload, err := readFrame(frames)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := d.dispatch(to, payload); err != nil {
			if err := d.notice(to, err); err != nil {
				return err
			}
		}
	}
}

func (d *datagramPort) dispatch(to string, payload []byte) error {
	host, port, err := splitAddress(to)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(d.node.ctx, datagramLookup)
	defer cancel()
	address, err := d.node.locate(ctx, host)
	if err != nil {
		return err
	}
	for _, socket := range d.sockets {
		own, err := netip.ParseAddrPort(socket.LocalAddr().String())
		if err != nil || own.Addr().Is4() != address.Is4() {
			continue
		}
		d.node.traffic.sent.Add(int64(len(payload)))
		_, err = socket.WriteTo(payload, net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, uint16(port))))
		return err
	}
	return fail("EHOSTUNREACH", "%s is of another family than the port", address)
}

// notice reports a datagram that was not sent.
func (d *datagramPort) notice(to string, reason error) error {
	line := d.node.out.refusal(reason)
	line["to"] = to
	delete(line, "ok")
	encoded, err := json.Marshal(line)
	if err != nil {
		return err
	}
	return d.send("", encoded)
}

func (d *datagramPort) send(address string, payload []byte) error {
	frame := make([]byte, frameHead, frameHead+len(address)+len(payload))
	binary.BigEndian.PutUint32(frame, uint32(1+len(address)+len(payload)))
	frame[4] = byte(len(address))
	frame = append(append(frame, address...), payload...)
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.client.Write(frame)
	return err
}

func readFrame(from io.Reader) (address string, payload []byte, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return "", nil, err
	}
	size, named := int(binary.BigEndian.Uint32(head[:4]))-1, int(head[4])
	if size < named || size > datagramMost+addressMost {
		return "", nil, fail("EPROTO", "a frame of %d bytes cannot be", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(from, body); err != nil {
		return "", nil, err
	}
	return string(body[:named]), body[named:], nil
}
