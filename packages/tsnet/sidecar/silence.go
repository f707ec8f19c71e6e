package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
)

const (
	// How long a dial waits for a reply before the tailnet is checked for a reason: three attempts of TCP.
	dialPatience = 3500 * time.Millisecond
	// How long a peer has to reply to a ping.
	pingWithin = 3 * time.Second
)

// errThere: the peer replies to the tailnet, and may not have been reachable when the dial began. TCP itself would
// retry only seconds later.
var errThere = &failure{code: "ETIMEDOUT", err: errors.New("the peer is there only now")}

// silence returns the reason why an address does not reply, as far as the tailnet knows; nil if the dial should
// continue.
func (n *node) silence(ctx context.Context, at netip.AddrPort, wasThere bool, began time.Time) error {
	status, err := n.local.Status(ctx)
	if err != nil {
		return nil
	}
	peer := peerAt(status, at.Addr())
	if peer == nil {
		// A peer that was removed during the dial has no route any more.
		if _, err := n.routed(at.Addr()); err != nil {
			return err
		}
		return n.unreached(ctx)
	}
	name := shortName(peer.DNSName, peer.HostName)
	if n.isThere(ctx, peer) {
		if !wasThere {
			return errThere
		}
		// The peer silently drops packets that a rule of the tailnet denies; a port without a listener replies with a
		// reset.
		if slices.Contains(peer.TailscaleIPs, at.Addr()) && !n.answers.since(at, began) {
			return fail("EFILTERED", "%s is there, but does not answer on port %d: an access rule of the tailnet denies it, or a filter of its own", name, at.Port())
		}
		return nil
	}
	if peer.Online {
		return n.unreached(ctx)
	}
	if peer.LastSeen.IsZero() {
		return fail("EHOSTUNREACH", "%s is offline", name)
	}
	return fail("EHOSTUNREACH", "%s is offline since %s", name, peer.LastSeen.UTC().Format(time.RFC3339))
}

// isThere pings the peer itself, because the control server's data may be out of date.
func (n *node) isThere(ctx context.Context, peer *ipnstate.PeerStatus) bool {
	if len(peer.TailscaleIPs) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	result, err := n.local.Ping(ctx, peer.TailscaleIPs[0], tailcfg.PingTSMP)
	return err == nil && result.Err == ""
}

// peerAt returns the peer that has the address, or that announces its subnet.
func peerAt(status *ipnstate.Status, address netip.Addr) (found *ipnstate.PeerStatus) {
	for _, peer := range status.Peer {
		if slices.Contains(peer.TailscaleIPs, address) {
			return peer
		}
		if peer.PrimaryRoutes != nil && slices.ContainsFunc(peer.PrimaryRoutes.AsSlice(), func(route netip.Prefix) bool { return route.Contains(address) }) {
			found = peer
		}
	}
	return found
}
