package main

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// acme is pebble, which checks challenges at a name server that has the records of the nodes.
type acme struct {
	*switchable
	authority *ca.CAImpl
}

func startACME(ip string, config *tls.Config, t *tailnet) (*acme, error) {
	// By default, pebble waits and refuses at random.
	os.Setenv("PEBBLE_VA_NOSLEEP", "1")
	os.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	names, err := t.serveText(ip)
	if err != nil {
		return nil, err
	}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	profiles := map[string]ca.Profile{"default": {Description: "the only one"}}
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, profiles)
	checker := va.New(quiet, 0, 0, false, names, store)
	front := wfe.New(quiet, store, checker, authority, []string{"pebble.test"}, false, false, 1, 1)
	made := &acme{switchable: &switchable{address: net.JoinHostPort(ip, "0"), handler: withLocation(front.Handler()), tls: config}, authority: authority}
	return made, made.set(true)
}

func (a *acme) directory() string { return "https://" + a.address + wfe.DirectoryPath }

func (a *acme) root() string { return string(a.authority.GetRootCert(0).PEM()) }

// withLocation adds the URL of an order that was just finalized: pebble omits it, and the client of tsnet polls that
// URL for the state of the order.
func withLocation(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if order, ok := strings.CutPrefix(r.URL.Path, "/finalize-order/"); ok {
			w.Header().Set("Location", "https://"+r.Host+"/my-order/"+order)
		}
		inner.ServeHTTP(w, r)
	})
}
