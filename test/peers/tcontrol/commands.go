package main

import (
	"fmt"
	"net/netip"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/dnstype"
)

// A command of a test. Nodes are named by their host name.
type command struct {
	ID   int64  `json:"id"`
	Op   string `json:"op"`
	Node string `json:"node"`
	Name string `json:"name"`

	Key       string   `json:"key"`
	User      string   `json:"user"`
	Reusable  bool     `json:"reusable"`
	Expired   bool     `json:"expired"`
	Ephemeral bool     `json:"ephemeral"`
	Tags      []string `json:"tags"`

	URL      string              `json:"url"`
	On       bool                `json:"on"`
	Seconds  float64             `json:"seconds"`
	Prefixes []netip.Prefix      `json:"prefixes"`
	Records  []tailcfg.DNSRecord `json:"records"`
	Suffix   string              `json:"suffix"`
	Addrs    []string            `json:"addresses"`
}

func (c *command) carryOut(t *tailnet, s *servers) (fields, error) {
	switch c.Op {
	case "key":
		return fields{"key": t.addKey(&authKey{user: c.User, reusable: c.Reusable, expired: c.Expired, ephemeral: c.Ephemeral, tags: c.Tags})}, nil
	case "revoke":
		t.revoke(c.Key)
		return nil, nil
	case "revoke_all":
		t.revokeAll()
		return nil, nil
	case "login":
		return nil, t.completeLogin(c.URL, c.User)
	case "approval":
		t.set(func() { t.approval = c.On })
		return nil, nil
	case "approve":
		return nil, t.change(c.Node, func(m *member) { m.approved = true })
	case "expire":
		return nil, t.change(c.Node, func(m *member) { m.expiry = time.Now().Add(-time.Minute) })
	case "renew":
		return nil, t.change(c.Node, func(m *member) { m.expiry = time.Time{} })
	case "rename":
		return nil, t.change(c.Node, func(m *member) { m.name = c.Name })
	case "remove":
		return nil, t.removeNamed(c.Node)
	case "nodes":
		return fields{"nodes": t.list()}, nil
	case "routes":
		return nil, t.change(c.Node, func(m *member) { m.routes = c.Prefixes })
	case "https":
		t.set(func() { t.https = c.On })
		return nil, nil
	case "records":
		t.set(func() { t.records = c.Records })
		return nil, nil
	case "resolvers":
		t.setResolvers(c.Suffix, c.Addrs)
		return nil, nil
	case "relay_only":
		t.set(func() { t.relayOnly = c.On })
		return nil, nil
	case "ephemeral_after":
		t.set(func() { t.ephemeralAfter = time.Duration(c.Seconds * float64(time.Second)) })
		return nil, nil
	case "relay":
		return nil, s.relay.set(c.On)
	case "control":
		return nil, s.control.set(c.On)
	case "move":
		return nil, s.control.move(c.Name)
	}
	return nil, fmt.Errorf("there is no op %q", c.Op)
}

func resolversOf(addresses []string) []*dnstype.Resolver {
	found := []*dnstype.Resolver{}
	for _, address := range addresses {
		found = append(found, &dnstype.Resolver{Addr: address})
	}
	return found
}
