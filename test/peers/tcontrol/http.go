package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"golang.org/x/net/http2"
	"tailscale.com/control/controlhttp/controlhttpserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// handler serves the control protocol: a key in the clear, and everything else inside of a Noise connection.
func (t *tailnet) handler() http.Handler {
	outer := http.NewServeMux()
	outer.HandleFunc("/key", func(w http.ResponseWriter, _ *http.Request) {
		encode(w, &tailcfg.OverTLSPublicKeyResponse{LegacyPublicKey: t.noise.Public(), PublicKey: t.noise.Public()})
	})
	outer.HandleFunc("/ts2021", t.upgrade)
	outer.HandleFunc("/generate_204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return outer
}

func (t *tailnet) upgrade(w http.ResponseWriter, r *http.Request) {
	conn, err := controlhttpserver.AcceptHTTP(r.Context(), w, r, t.noise, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	var inner http2.Server
	inner.ServeConn(conn, &http2.ServeConnOpts{Context: context.WithoutCancel(r.Context()), Handler: t.machine(conn.Peer())})
}

func (t *tailnet) machine(machine key.MachinePublic) http.Handler {
	inner := http.NewServeMux()
	inner.HandleFunc("POST /machine/register", func(w http.ResponseWriter, r *http.Request) { t.register(w, r, machine) })
	inner.HandleFunc("POST /machine/map", func(w http.ResponseWriter, r *http.Request) { t.poll(w, r, machine) })
	inner.HandleFunc("POST /machine/set-dns", t.setText)
	inner.HandleFunc("POST /machine/update-health", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return inner
}

// setText stores the response to an ACME challenge.
func (t *tailnet) setText(w http.ResponseWriter, r *http.Request) {
	var asked tailcfg.SetDNSRequest
	if !decode(w, r, &asked) {
		return
	}
	t.mu.Lock()
	t.text[asked.Name] = append(t.text[asked.Name], asked.Value)
	t.mu.Unlock()
	encode(w, &tailcfg.SetDNSResponse{})
}

const requestLimit = 1 << 20

func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(io.LimitReader(r.Body, requestLimit)).Decode(into)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return err == nil
}

func encode(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
