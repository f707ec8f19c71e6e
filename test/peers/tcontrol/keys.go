package main

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"tailscale.com/types/key"
)

// An authKey lets nodes in without a browser.
type authKey struct {
	user      string
	reusable  bool
	expired   bool
	ephemeral bool
	used      bool
	tags      []string
}

const defaultUser = "tester@tail.test"

func (t *tailnet) addKey(k *authKey) string {
	if k.user == "" {
		k.user = defaultUser
	}
	text := "tskey-auth-" + rand.Text()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys[text] = k
	return text
}

func (t *tailnet) revoke(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.keys, text)
}

func (t *tailnet) revokeAll() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.keys)
}

// useKey is called with the lock held.
func (t *tailnet) useKey(text string, wantedTags []string) (*authKey, error) {
	k := t.keys[text]
	switch {
	case k == nil:
		return nil, errors.New("invalid key: API key does not exist")
	case k.expired:
		return nil, errors.New("invalid key: API key has expired")
	case k.used && !k.reusable:
		return nil, errors.New("invalid key: API key was used already")
	}
	for _, tag := range wantedTags {
		if !slices.Contains(k.tags, tag) {
			return nil, errors.New("requested tags [" + strings.Join(wantedTags, " ") + "] are invalid or not permitted")
		}
	}
	k.used = true
	return k, nil
}

// A pendingLogin is a node that waits for a user to open a page.
type pendingLogin struct {
	machine key.MachinePublic
	user    string
	done    chan struct{}
}

func (t *tailnet) addLogin(machine key.MachinePublic) string {
	path := "/login/" + rand.Text()
	t.logins[path] = &pendingLogin{machine: machine, done: make(chan struct{})}
	return t.url + path
}

func (t *tailnet) completeLogin(url, user string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.logins[strings.TrimPrefix(url, t.url)]
	if found == nil || found.user != "" {
		return errors.New("no login waits at " + url)
	}
	if found.user = user; user == "" {
		found.user = defaultUser
	}
	close(found.done)
	return nil
}
