package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tailscale.com/ipn"
)

// How long a control server may take before it is checked: tsnet retries forever, and does not report why.
const controlPatience = 1500 * time.Millisecond

const controlWithin = 5 * time.Second

// controlFault returns the fault of the connection to the control server, as far as one request for its public key
// shows it.
func controlFault(ctx context.Context, address string) error {
	if address == "" {
		address = ipn.DefaultControlURL
	}
	ctx, cancel := context.WithTimeout(ctx, controlWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/key?v=116", nil)
	if err != nil {
		return fmt.Errorf("the control server has no address: %w", err)
	}
	answer, err := trustingClient().Do(request)
	var failed *url.Error
	if errors.As(err, &failed) {
		return fmt.Errorf("the control server is not reached: %w", failed.Err)
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 1<<16)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at the address of the control server is not one: it replied %s", answer.Status)
	}
	return nil
}
