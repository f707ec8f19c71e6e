package main

import (
	"net/netip"
	"sync"

	"tailscale.com/ipn"
	"tailscale.com/tailcfg"
)

// self is what the control server says of the node itself, which may change while it runs.
type self struct {
	mu        sync.RWMutex
	addresses []netip.Addr
	name      string
	state     ipn.State
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

// member says whether the tailnet still knows the node: one whose key has expired would wait for answers that nobody sends.
func (s *self) member() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch s.state {
	case ipn.NeedsLogin, ipn.NeedsMachineAuth, ipn.Stopped:
		return fail("ENONODE", "the node is not in its tailnet any more (state %s)", s.state)
	}
	return nil
}
