package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

type servers struct {
	control *switchable
	relay   *relay
	acme    *acme
	// tlsRoot is the root that clients of the ACME server must trust.
	tlsRoot string
}

func startServers(ip string, t *tailnet) (*servers, error) {
	config, root, err := ownTLS(ip)
	if err != nil {
		return nil, err
	}
	relay, err := startRelay(ip, config, t)
	if err != nil {
		return nil, err
	}
	control := &switchable{address: net.JoinHostPort(ip, "0"), handler: t.handler()}
	if err := control.set(true); err != nil {
		return nil, err
	}
	t.url = "http://" + control.address
	acme, err := startACME(ip, config, t)
	if err != nil {
		return nil, err
	}
	return &servers{control, relay, acme, root}, nil
}

// A switchable server can go away with all of its connections, and come back at the same address.
type switchable struct {
	address string
	handler http.Handler
	tls     *tls.Config

	mu      sync.Mutex
	server  *http.Server
	tracked map[net.Conn]struct{}
}

func (s *switchable) set(on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on == (s.server != nil) {
		return nil
	}
	if !on {
		err := s.server.Close()
		// Connections that were upgraded are no longer the server's.
		for conn := range s.tracked {
			conn.Close()
		}
		s.server = nil
		return err
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	s.tracked = map[net.Conn]struct{}{}
	listener = &trackingListener{listener, s}
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	s.server = &http.Server{Handler: s.handler}
	go s.server.Serve(listener)
	return nil
}

// move ends the server with all of its connections, and starts it at another IP address, at the same port.
func (s *switchable) move(ip string) error {
	if err := s.set(false); err != nil {
		return err
	}
	s.mu.Lock()
	_, port, err := net.SplitHostPort(s.address)
	s.address = net.JoinHostPort(ip, port)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.set(true)
}

type trackingListener struct {
	net.Listener
	by *switchable
}

func (l *trackingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.by.mu.Lock()
	defer l.by.mu.Unlock()
	l.by.tracked[conn] = struct{}{}
	return conn, nil
}
