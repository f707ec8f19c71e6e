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
	// How long a dial goes without an answer before the tailnet is asked why: three attempts of TCP.
	dialPatience = 3500 * time.Millisecond
	// How long a peer has to show that it is there.
	pingWithin = 3 * time.Second
)

// errThere: the peer answers the tailnet, and may not have been there yet when the dial began; TCP itself would ask only seconds later.
var errThere = &failure{code: "ETIMEDOUT", err: errors.New("the peer is there only now")}

// silence says why nothing answers at an address, as far as the tailnet knows: nil where that is no reason to give up.
func (n *node) silence(ctx context.Context, at netip.AddrPort, wasThere bool) error {
	status, err := n.local.Status(ctx)
	if err != nil {
		return nil
	}
	peer := peerAt(status, at.Addr())
	if peer == nil {
		return nil
	}
	name := shortName(peer.DNSName, peer.HostName)
	if n.isThere(ctx, peer) {
		if !wasThere {
			return errThere
		}
		// What a rule of the tailnet denies, the peer drops without a word; a port without a listener is refused by a reset.
		if slices.Contains(peer.TailscaleIPs, at.Addr()) && !n.answers.has(at) {
			return fail("EFILTERED", "%s is there, but does not answer on port %d: an access rule of the tailnet denies it, or a filter of its own", name, at.Port())
		}
		return nil
	}
	if peer.Online {
		return nil
	}
	if peer.LastSeen.IsZero() {
		return fail("EHOSTUNREACH", "%s is offline", name)
	}
	return fail("EHOSTUNREACH", "%s is offline since %s", name, peer.LastSeen.UTC().Format(time.RFC3339))
}

// isThere asks the peer itself: the control server may know less.
func (n *node) isThere(ctx context.Context, peer *ipnstate.PeerStatus) bool {
	if len(peer.TailscaleIPs) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pingWithin)
	defer cancel()
	result, err := n.local.Ping(ctx, peer.TailscaleIPs[0], tailcfg.PingTSMP)
	return err == nil && result.Err == ""
}

// peerAt is who has the address, or announces the subnet that it is in.
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
