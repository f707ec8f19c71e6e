package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tailscale.com/client/local"
	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
)

// A peer is the other end of a connection, as the control server reports it.
type peer struct {
	Name      string   `json:"name"`
	DNSName   string   `json:"dns_name"`
	StableID  string   `json:"stable_id"`
	User      string   `json:"user,omitempty"`
	Tags      []string `json:"tags"`
	Addresses []string `json:"addresses"`
	// Caps are the application capabilities that the tailnet's policy grants the peer towards this node.
	Caps map[string][]json.RawMessage `json:"caps,omitempty"`
}

func newPeer(status *ipnstate.Status, of *ipnstate.PeerStatus) peer {
	found := peer{Name: shortName(of.DNSName, of.HostName), DNSName: trimDot(of.DNSName), StableID: string(of.ID), Addresses: texts(of.TailscaleIPs), Tags: []string{}}
	if of.Tags != nil {
		found.Tags = append(found.Tags, of.Tags.AsSlice()...)
	}
	if len(found.Tags) == 0 {
		found.User = status.User[of.UserID].LoginName
	}
	return found
}

// identities caches the peer behind an address: one peer opens several connections, and a query costs more than an
// accept.
type identities struct {
	mu    sync.Mutex
	known map[netip.Addr]identity
}

type identity struct {
	peer  *peer
	since time.Time
}

// Changes of the network map clear the cache; this limit is for changes that are not reported.
const identitiesLast = 5 * time.Second

func (i *identities) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known = nil
}

// whoIs returns the peer at an address, or nil for one that the tailnet does not know, such as one behind a subnet
// router.
func (n *node) whoIs(ctx context.Context, address netip.Addr) (*peer, error) {
	i := &n.identities
	i.mu.Lock()
	known, isKnown := i.known[address]
	i.mu.Unlock()
	if isKnown && time.Since(known.since) < identitiesLast {
		return known.peer, nil
	}
	asked := time.Now()
	answer, err := n.local.WhoIs(ctx, address.String())
	if err != nil && !errors.Is(err, local.ErrPeerNotFound) {
		return nil, err
	}
	var found *peer
	if err == nil {
		found = peerOfNode(answer.Node, answer.UserProfile, answer.CapMap)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		i.known = map[netip.Addr]identity{}
	}
	i.known[address] = identity{found, asked}
	return found, nil
}

func peerOfNode(of *tailcfg.Node, user *tailcfg.UserProfile, caps tailcfg.PeerCapMap) *peer {
	found := &peer{DNSName: trimDot(of.Name), StableID: string(of.StableID), Tags: append([]string{}, of.Tags...), Addresses: []string{}}
	found.Name = shortName(of.Name, of.ComputedName)
	for _, prefix := range of.Addresses {
		found.Addresses = append(found.Addresses, prefix.Addr().String())
	}
	if user != nil && len(of.Tags) == 0 {
		found.User = user.LoginName
	}
	if len(caps) > 0 {
		found.Caps = map[string][]json.RawMessage{}
		for name, values := range caps {
			list := []json.RawMessage{}
			for _, value := range values {
				list = append(list, json.RawMessage(value))
			}
			found.Caps[string(name)] = list
		}
	}
	return found
}

func shortName(dnsName, otherwise string) string {
	if short, _, _ := strings.Cut(dnsName, "."); short != "" {
		return short
	}
	return otherwise
}
