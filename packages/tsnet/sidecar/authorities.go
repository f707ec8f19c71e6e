package main

import (
	"fmt"
	"net/http"
	"os"

	"tailscale.com/net/bakedroots"
	"tailscale.com/net/tlsdial"
)

// Node's own variable for authorities that it trusts in addition to the system's.
const extraAuthorities = "NODE_EXTRA_CA_CERTS"

// trust adds the certificates in the files to the authorities that may sign the certificates of control servers and
// relays. It is called before any node exists, because the pool that tsnet uses for authorities unknown to the system
// must not change while it is read.
func trust(files []string) error {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("the authorities to trust cannot be read: %w", err)
		}
		if !bakedroots.Get().AppendCertsFromPEM(text) {
			return fmt.Errorf("%s holds no certificate (PEM)", file)
		}
	}
	// Like Node, ignore a missing file.
	if text, err := os.ReadFile(os.Getenv(extraAuthorities)); err == nil {
		bakedroots.Get().AppendCertsFromPEM(text)
	}
	return nil
}

// trustingClient trusts the same authorities as tsnet.
func trustingClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsdial.Config(nil, nil)
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport}
}
