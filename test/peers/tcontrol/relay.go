package main

import (
	"context"
	"crypto/tls"
	"net"

	"tailscale.com/derp/derpserver"
	"tailscale.com/net/stunserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/types/logger"
)

// A relay is the tailnet's one DERP region, with STUN beside it.
type relay struct {
	*switchable
	port int
}

const region = 1

func startRelay(ip string, config *tls.Config, t *tailnet) (*relay, error) {
	stun := stunserver.New(context.Background())
	if err := stun.Listen(net.JoinHostPort(ip, "0")); err != nil {
		return nil, err
	}
	go stun.Serve()
	server := derpserver.New(key.NewNode(), logger.Discard)
	made := &relay{switchable: &switchable{address: net.JoinHostPort(ip, "0"), handler: derpserver.Handler(server), tls: config}}
	if err := made.set(true); err != nil {
		return nil, err
	}
	made.port = portOf(made.address)
	t.relays = &tailcfg.DERPMap{OmitDefaultRegions: true, Regions: map[int]*tailcfg.DERPRegion{region: {
		RegionID: region, RegionCode: "test", RegionName: "test", Nodes: []*tailcfg.DERPNode{{
			Name: "1a", RegionID: region, HostName: ip, IPv4: ip, IPv6: "none", DERPPort: made.port, STUNPort: portOf(stun.LocalAddr().String()),
			STUNTestIP: ip, InsecureForTests: true,
		}},
	}}}
	return made, nil
}

func portOf(address string) int {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return 0
	}
	return at.Port
}
