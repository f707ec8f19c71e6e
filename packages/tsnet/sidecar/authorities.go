package main

import (
	"fmt"
	"net/http"
	"os"

	"tailscale.com/net/bakedroots"
	"tailscale.com/net/tlsdial"
)

// Node's own variable for authorities that it trusts beside those of the system.
const extraAuthorities = "NODE_EXTRA_CA_CERTS"

// trust adds the certificates in the files to those that control servers and relays may be signed by. It is called before there are nodes: the
// pool that tsnet falls back to, where the system does not know an authority, is not for changes while it is read.
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
	// As Node does, one that is not there is passed over.
	if text, err := os.ReadFile(os.Getenv(extraAuthorities)); err == nil {
		bakedroots.Get().AppendCertsFromPEM(text)
	}
	return nil
}

// trustingClient trusts whom tsnet trusts.
func trustingClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = tlsdial.Config(nil, nil)
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport}
}
