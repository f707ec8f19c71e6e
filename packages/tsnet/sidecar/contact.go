package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
)

// contact is the result of the last test of a node's way to its tailnet.
type contact struct {
	// testing is held during a test, so that callers at the same time share one.
	testing sync.Mutex

	mu     sync.Mutex
	tested time.Time
	reach  reach
	fault  error
}

// reach is the part of the tailnet that answers.
type reach string

const (
	// The control server answers, and sends changes.
	reachesAll reach = "all"
	// A peer answers, or the control server answers and sends no changes.
	reachesPart reach = "part"
	// Nothing answers.
	reachesNothing reach = "nothing"
)

var errNoChanges = errors.New("the control server answers, but sends this node no changes")

const (
	// A result is used again for this long, however many dials need one.
	contactLasts = 2 * time.Second
	// Both together are less than the time that Node allows a status.
	contactControlWithin = 4 * time.Second
	contactPingWithin    = 2 * time.Second
	contactChangesWithin = time.Second
	contactStep          = 20 * time.Millisecond
	// The number of peers that are asked.
	contactPeers = 3
)

// contactNow tests the way to the control server, then to the peers; fault is what is wrong with the control server.
func (n *node) contactNow(ctx context.Context) (found reach, fault error) {
	c := &n.contact
	c.testing.Lock()
	defer c.testing.Unlock()
	if found, fault, age := c.last(); age < contactLasts {
		return found, fault
	}
	asking, cancel := context.WithTimeout(ctx, contactControlWithin)
	defer cancel()
	fault = controlFault(asking, n.server.ControlURL)
	switch {
	case fault == nil && n.hearsChanges(ctx):
		found = reachesAll
		n.confirmMembership(asking)
	case fault == nil:
		// The client of the control server may look for it where it no longer is.
		forgetControlAddresses(n.server)
		if strings.HasPrefix(n.server.ControlURL, "http://") {
			allowPlainControl(n.server)
		}
		found, fault = reachesPart, errNoChanges
	case n.peerAnswers(ctx):
		found = reachesPart
	default:
		found = reachesNothing
	}
	// The caller's end is no result.
	if ctx.Err() == nil {
		c.set(found, fault)
	}
	return found, fault
}

// confirmMembership detects that the control server no longer knows the node. Headscale keeps the connection of a deleted
// node open, and reports the deletion only in its reply to the node's next request.
func (n *node) confirmMembership(ctx context.Context) {
	if err := sendUpdate(ctx, n.server); err != nil && strings.Contains(err.Error(), unknownNode) {
		n.deleted()
	}
}

// hearsChanges reports whether the node has a connection for changes. A new one may be under way.
func (n *node) hearsChanges(ctx context.Context) bool {
	tracker := n.server.Sys().HealthTracker.Get()
	for end := time.Now().Add(contactChangesWithin); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(contactStep) {
		if tracker.GetInPollNetMap() {
			return true
		}
	}
	return tracker.GetInPollNetMap()
}

// last returns the result of the last test, and its age; empty before the first.
func (c *contact) last() (found reach, fault error, age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reach, c.fault, time.Since(c.tested)
}

func (c *contact) set(found reach, fault error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reach, c.fault, c.tested = found, fault, time.Now()
}

// unreached returns an error if nothing in the tailnet answers this node.
func (n *node) unreached(ctx context.Context) error {
	found, fault := n.contactNow(ctx)
	if found != reachesNothing || ctx.Err() != nil {
		return nil
	}
	return fail("ENETUNREACH", "the tailnet is out of reach, no peer answers: %w", fault)
}

// peerAnswers pings those peers that are said to be online, first those that were heard last.
func (n *node) peerAnswers(ctx context.Context) bool {
	status, err := n.local.Status(ctx)
	if err != nil {
		return false
	}
	peers := onlinePeers(status)
	ctx, cancel := context.WithTimeoutCause(ctx, contactPingWithin, errors.New("no peer answers"))
	defer cancel()
	answers := make(chan bool, len(peers))
	for _, peer := range peers {
		go func() {
			result, err := n.local.Ping(ctx, peer.TailscaleIPs[0], tailcfg.PingTSMP)
			answers <- err == nil && result.Err == ""
		}()
	}
	for range peers {
		if <-answers {
			return true
		}
	}
	return false
}

func onlinePeers(status *ipnstate.Status) []*ipnstate.PeerStatus {
	var peers []*ipnstate.PeerStatus
	for _, peer := range status.Peer {
		if peer.Online && len(peer.TailscaleIPs) > 0 {
			peers = append(peers, peer)
		}
	}
	slices.SortFunc(peers, func(a, b *ipnstate.PeerStatus) int {
		return cmp.Or(b.LastHandshake.Compare(a.LastHandshake), cmp.Compare(a.ID, b.ID))
	})
	return peers[:min(len(peers), contactPeers)]
}
