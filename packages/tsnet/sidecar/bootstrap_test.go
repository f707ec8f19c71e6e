package main

import (
	"strings"
	"testing"

	"tailscale.com/net/dnsfallback"
)

func TestTailscalesServersAreNotAsked(t *testing.T) {
	for _, region := range dnsfallback.GetDERPMap().Regions {
		for _, server := range region.Nodes {
			if strings.HasSuffix(server.HostName, ".tailscale.com") {
				t.Errorf("%s would be asked", server.HostName)
			}
		}
	}
}
