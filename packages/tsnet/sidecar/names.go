package main

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tailscale.com/ipn/ipnstate"
)

// names are those in the network map itself: of peers, and the extra records of the tailnet.
type names struct {
	mu      sync.Mutex
	byName  map[string][]netip.Addr
	byAddr  map[netip.Addr][]string
	suffix  string
	updated time.Time
}

const (
	// Changes of the map are reported, except those of extra records.
	namesLast = 5 * time.Second
	// A missing name is looked up again, but at most this often, because a tailnet may be large.
	missesLast = 100 * time.Millisecond
)

func (s *names) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updated = time.Time{}
}

// lookup returns the addresses of a name, of family 4, 6 or either (0), and fails if there are none.
func (n *node) lookup(ctx context.Context, name string, family int) ([]netip.Addr, error) {
	asked := strings.ToLower(trimDot(name))
	if asked == "" {
		return nil, fail("EINVAL", "the name is empty")
	}
	found, full, err := n.mapped(ctx, asked)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if found, err = n.askResolvers(ctx, full); err != nil {
			return nil, err
		}
	}
	if found = ofFamily(found, family); len(found) == 0 {
		return nil, fail("ENOTFOUND", "the tailnet knows no address of %q", name)
	}
	return found, nil
}

// mapped looks a name up in the network map; full is the name for the query to a resolver.
func (n *node) mapped(ctx context.Context, asked string) (found []netip.Addr, full string, err error) {
	s := &n.names
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		age := time.Since(s.updated)
		found, isThere := s.byName[asked]
		if age < missesLast || isThere && age < namesLast {
			return found, qualified(asked, s.suffix), nil
		}
		if err := s.refresh(ctx, n); err != nil {
			return nil, "", err
		}
	}
}

func (s *names) refresh(ctx context.Context, n *node) error {
	status, err := n.local.Status(ctx)
	if err != nil {
		return err
	}
	s.byName, s.byAddr, s.suffix = map[string][]netip.Addr{}, map[netip.Addr][]string{}, tailnetOf(status)
	for _, record := range status.ExtraRecords {
		if address, err := netip.ParseAddr(record.Value); err == nil {
			s.add(trimDot(record.Name), address)
		}
	}
	for _, peer := range status.Peer {
		s.addPeer(peer)
	}
	s.addPeer(status.Self)
	s.updated = time.Now()
	return nil
}

func (s *names) addPeer(peer *ipnstate.PeerStatus) {
	if peer == nil || peer.DNSName == "" {
		return
	}
	s.add(trimDot(peer.DNSName), peer.TailscaleIPs...)
}

func (s *names) add(name string, addresses ...netip.Addr) {
	name = strings.ToLower(name)
	s.byName[name] = append(s.byName[name], addresses...)
	if short, domain, _ := strings.Cut(name, "."); domain == s.suffix {
		s.byName[short] = append(s.byName[short], addresses...)
	}
	for _, address := range addresses {
		s.byAddr[address] = append(s.byAddr[address], name)
	}
}

func (n *node) reverse(ctx context.Context, text string) ([]string, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return nil, fail("EINVAL", "%q is no IP address", text)
	}
	if _, _, err := n.mapped(ctx, "."); err != nil {
		return nil, err
	}
	n.names.mu.Lock()
	defer n.names.mu.Unlock()
	found := n.names.byAddr[address.Unmap()]
	if len(found) == 0 {
		return nil, fail("ENOTFOUND", "the tailnet knows no name of %s", address)
	}
	return append([]string{}, found...), nil
}

func qualified(name, suffix string) string {
	if strings.Contains(name, ".") || suffix == "" {
		return name
	}
	return name + "." + suffix
}

func ofFamily(addresses []netip.Addr, family int) []netip.Addr {
	var fitting []netip.Addr
	for _, address := range addresses {
		if family == 0 || (family == 4) == address.Is4() {
			fitting = append(fitting, address)
		}
	}
	return fitting
}

func tailnetOf(status *ipnstate.Status) string {
	if status.CurrentTailnet == nil {
		return ""
	}
	return strings.ToLower(trimDot(status.CurrentTailnet.MagicDNSSuffix))
}

func trimDot(name string) string { return strings.TrimSuffix(name, ".") }

func texts(addresses []netip.Addr) []string {
	all := make([]string, 0, len(addresses))
	for _, address := range addresses {
		all = append(all, address.String())
	}
	return all
}
