package main

import (
	"net/netip"
	"sync"

	"tailscale.com/ipn"
	"tailscale.com/tailcfg"
)

// self is what the control server reports about the node itself, which may change while it runs.
type self struct {
	mu        sync.RWMutex
	addresses []netip.Addr
	name      string
	state     ipn.State
	url       string
	// isGone: it was deleted on the control server.
	isGone bool
}

// awaits returns what a starting node waits for.
func (n *node) awaits() string {
	n.self.mu.RLock()
	defer n.self.mu.RUnlock()
	switch {
	case n.self.state == ipn.NeedsMachineAuth:
		return notAdmitted
	case n.self.url != "":
		return "it needs a login at " + n.self.url
	}
	return "it is still joining"
}

func (s *self) set(addresses []netip.Addr, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addresses, s.name = addresses, trimDot(name)
}

func (s *self) update(changed *tailcfg.Node) {
	addresses := make([]netip.Addr, 0, len(changed.Addresses))
	for _, prefix := range changed.Addresses {
		addresses = append(addresses, prefix.Addr())
	}
	s.set(addresses, changed.Name)
}

func (s *self) enter(state ipn.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

func (s *self) ips() []netip.Addr {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.addresses
}

func (s *self) dnsName() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.name
}

// member returns an error if the tailnet no longer knows the node: a node whose key has expired would wait for replies
// that never arrive.
func (s *self) member() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.isGone {
		return fail("ENONODE", "%s", gone)
	}
	switch s.state {
	case ipn.NeedsLogin, ipn.NeedsMachineAuth, ipn.Stopped:
		return fail("ENONODE", "%s", over)
	}
	return nil
}

// delete reports whether that is new; a node that has not joined yet gets it in the reply to its login.
func (s *self) delete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isGone || s.state != ipn.Running {
		return false
	}
	s.isGone = true
	return true
}

// offer stores the URL at which the operator may log the node in.
func (s *self) offer(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = url
}
