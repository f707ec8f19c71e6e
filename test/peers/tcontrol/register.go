package main

import (
	"net/http"
	"strings"
	"time"

	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

func (t *tailnet) register(w http.ResponseWriter, r *http.Request, machine key.MachinePublic) {
	var asked tailcfg.RegisterRequest
	if !decode(w, r, &asked) {
		return
	}
	if asked.Followup != "" && !t.awaitLogin(r, asked.Followup) {
		return
	}
	t.mu.Lock()
	answer := t.decide(&asked, machine)
	t.mu.Unlock()
	encode(w, answer)
}

func (t *tailnet) awaitLogin(r *http.Request, url string) bool {
	t.mu.Lock()
	waiting := t.logins[strings.TrimPrefix(url, t.url)]
	t.mu.Unlock()
	if waiting == nil {
		return true
	}
	select {
	case <-waiting.done:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (t *tailnet) decide(asked *tailcfg.RegisterRequest, machine key.MachinePublic) *tailcfg.RegisterResponse {
	known := t.keyed(asked.NodeKey)
	if !asked.Expiry.IsZero() && asked.Expiry.Before(time.Now()) {
		return t.logOut(known)
	}
	if known != nil && !known.expired() {
		return t.admitted(known)
	}
	if known != nil && asked.Auth == nil && asked.Followup == "" {
		return &tailcfg.RegisterResponse{NodeKeyExpired: true}
	}
	user, tags, ephemeral := "", []string(nil), asked.Ephemeral
	login := t.logins[strings.TrimPrefix(asked.Followup, t.url)]
	switch {
	case login != nil && login.machine == machine && login.user != "":
		user = login.user
	case asked.Auth != nil && asked.Auth.AuthKey != "":
		k, err := t.useKey(asked.Auth.AuthKey, asked.Hostinfo.RequestTags)
		if err != nil {
			return &tailcfg.RegisterResponse{Error: err.Error()}
		}
		user, tags, ephemeral = k.user, k.tags, ephemeral || k.ephemeral
	default:
		return &tailcfg.RegisterResponse{AuthURL: t.addLogin(machine)}
	}
	m := t.onMachine(machine)
	change := "changed"
	if m == nil {
		m, change = t.add(machine, asked.Hostinfo), "joined"
	}
	m.key, m.host, m.user, m.tags, m.ephemeral, m.expiry = asked.NodeKey, asked.Hostinfo, user, tags, ephemeral, time.Time{}
	if len(tags) > 0 {
		m.user = ""
	}
	t.changed(m)
	t.tell(change, m)
	return t.admitted(m)
}

func (t *tailnet) logOut(m *member) *tailcfg.RegisterResponse {
	if m != nil && m.ephemeral {
		t.remove(m)
	} else if m != nil {
		m.expiry = time.Unix(1, 0)
		t.changed(m)
		t.tell("changed", m)
	}
	return &tailcfg.RegisterResponse{NodeKeyExpired: true}
}

func (t *tailnet) admitted(m *member) *tailcfg.RegisterResponse {
	id := t.userID(m)
	return &tailcfg.RegisterResponse{
		User: tailcfg.User{ID: id, DisplayName: m.user}, Login: tailcfg.Login{ID: tailcfg.LoginID(id), Provider: "test", LoginName: m.loginName()},
		MachineAuthorized: m.approved,
	}
}
