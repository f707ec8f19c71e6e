package main

import (
	"slices"

	"tailscale.com/tailcfg"
)

// The control server assigns tagged nodes to this user.
const taggedUser = "tagged-devices"

func (m *member) loginName() string {
	if len(m.tags) > 0 {
		return taggedUser
	}
	return m.user
}

func (t *tailnet) userID(m *member) tailcfg.UserID {
	name := m.loginName()
	at := slices.Index(t.users, name)
	if at < 0 {
		at = len(t.users)
		t.users = append(t.users, name)
	}
	return tailcfg.UserID(at + 1)
}

func (t *tailnet) profiles() []tailcfg.UserProfile {
	all := []tailcfg.UserProfile{}
	for at, name := range t.users {
		all = append(all, tailcfg.UserProfile{ID: tailcfg.UserID(at + 1), LoginName: name, DisplayName: name})
	}
	return all
}
