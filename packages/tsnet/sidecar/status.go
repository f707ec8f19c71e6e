package main

import (
	"context"
	"net/netip"
	"time"

	"tailscale.com/ipn/ipnstate"
	"tailscale.com/tailcfg"
)

type peerStatus struct {
	peer
	IPs           []string `json:"ips"`
	Online        bool     `json:"online"`
	Active        bool     `json:"active"`
	Path          string   `json:"path"`
	Endpoint      string   `json:"endpoint,omitempty"`
	Relay         string   `json:"relay,omitempty"`
	Received      int64    `json:"rx"`
	Sent          int64    `json:"tx"`
	LastHandshake int64    `json:"last_handshake,omitempty"`
	Routes        []string `json:"routes"`
	ExitNode      bool     `json:"exit_node"`
}

// status describes the node; probe tests its way to the tailnet before.
func (n *node) status(probe bool) (fields, error) {
	if probe {
		n.contactNow(n.ctx)
	}
	reach, fault, _ := n.contact.last()
	ctx, cancel := context.WithTimeout(n.ctx, 3*time.Second)
	defer cancel()
	status, err := n.local.Status(ctx)
	if err != nil {
		return nil, err
	}
	peers := []peerStatus{}
	for _, of := range status.Peer {
		peers = append(peers, newPeerStatus(status, of))
	}
	answer := fields{
		"state": status.BackendState, "ips": texts(status.TailscaleIPs), "dns_name": n.self.dnsName(), "tailnet": tailnetOf(status),
		"cert_domains": append([]string{}, status.CertDomains...), "health": append([]string{}, status.Health...), "peers": peers,
		"connections": n.open.count(), "listeners": n.ports.count(), "rx": n.traffic.received.Load(), "tx": n.traffic.sent.Load(),
	}
	if status.Self != nil {
		answer["relay"] = status.Self.Relay
		if expiry := status.Self.KeyExpiry; expiry != nil {
			answer["key_expiry"] = expiry.UnixMilli()
		}
	}
	if status.AuthURL != "" {
		answer["auth_url"] = status.AuthURL
	}
	if reach != "" {
		answer["reach"] = reach
	}
	if fault != nil {
		answer["fault"] = fault.Error()
	}
	return answer, nil
}

func newPeerStatus(status *ipnstate.Status, of *ipnstate.PeerStatus) peerStatus {
	found := peerStatus{
		peer: newPeer(status, of), IPs: texts(of.TailscaleIPs), Online: of.Online, Active: of.Active, Endpoint: of.CurAddr, Relay: of.Relay,
		Received: of.RxBytes, Sent: of.TxBytes, Routes: []string{}, ExitNode: of.ExitNode,
	}
	switch {
	case of.CurAddr != "":
		found.Path = "direct"
	case of.PeerRelay != "", of.Active && of.Relay != "":
		found.Path = "relay"
	default:
		found.Path = "none"
	}
	if !of.LastHandshake.IsZero() {
		found.LastHandshake = of.LastHandshake.UnixMilli()
	}
	if of.PrimaryRoutes != nil {
		for _, route := range of.PrimaryRoutes.All() {
			found.Routes = append(found.Routes, route.String())
		}
	}
	return found
}

// ping reports the path by which a peer is reached.
func (n *node) ping(ctx context.Context, host string) (fields, error) {
	address, err := n.locate(ctx, host)
	if err != nil {
		return nil, err
	}
	result, err := n.local.Ping(ctx, address, tailcfg.PingDisco)
	if err != nil {
		return nil, err
	}
	if result.Err != "" {
		return nil, fail("EHOSTUNREACH", "%s: %s", host, result.Err)
	}
	answer := fields{"ms": result.LatencySeconds * 1000}
	if result.DERPRegionCode != "" {
		answer["relay"] = result.DERPRegionCode
	} else if _, err := netip.ParseAddrPort(result.Endpoint); err == nil {
		answer["endpoint"] = result.Endpoint
	}
	return answer, nil
}
