package main

import (
	"context"
	"errors"
	"time"

	"tailscale.com/ipn"
)

// watch reports the events of the node until it ends.
func (n *node) watch() (<-chan ipn.Notify, error) {
	watcher, err := n.local.WatchIPNBus(n.ctx, ipn.NotifyInitialState|ipn.NotifyPeerPatches)
	if err != nil {
		return nil, fail("ESTART", "the node reports nothing: %w", err)
	}
	changes := make(chan ipn.Notify)
	go func() {
		defer close(changes)
		defer watcher.Close()
		for {
			change, err := watcher.Next()
			if err != nil {
				return
			}
			select {
			case changes <- change:
			case <-n.ctx.Done():
				return
			}
		}
	}()
	return changes, nil
}

// login is the progress of a node's login.
type login struct {
	state    ipn.State
	url      string
	approval bool
	// retried: the key was offered once more, to a control server that no longer accepts the node's own key.
	retried bool
}

// awaitRunning waits for the login. tsnet's start does not wait, and its own Up waits forever if a key is missing or
// control does not reply.
func (n *node) awaitRunning(ctx context.Context, changes <-chan ipn.Notify, r *request) error {
	var at login
	doubt := time.NewTimer(controlPatience)
	defer doubt.Stop()
	faults := make(chan error, 1)
	for {
		select {
		case <-doubt.C:
			go func() { faults <- controlFault(ctx, r.ControlURL) }()
		case err := <-faults:
			if err != nil && ctx.Err() == nil && !at.approval && at.url == "" {
				return n.ended(fail("ECONTROL", "%w", err))
			}
		case change, ok := <-changes:
			if !ok {
				return n.ended(fail("ESTART", "the node ended in the state %s", at.state))
			}
			if err := n.advance(ctx, &at, change, r.AuthKey); err != nil {
				return err
			}
			if at.state == ipn.Running {
				return nil
			}
		case <-ctx.Done():
			return n.ended(at.overdue())
		}
	}
}

func (n *node) advance(ctx context.Context, at *login, change ipn.Notify, key string) error {
	withheld := n.server.AuthKey == "" && key != ""
	if withheld {
		// tsnet requests a login in a browser before it gets the key.
		change.BrowseToURL = nil
	}
	n.report(change)
	if change.ErrMessage != nil {
		if at.retried {
			// An administrator may renew it on the server: Node retries.
			return fail("EEXPIRED", "%s, and the control server refused the auth key: %s. Renew the node there, or give a key that is valid", over, *change.ErrMessage)
		}
		return fail("EAUTH", "the control server refused the login: %s", *change.ErrMessage)
	}
	if change.BrowseToURL != nil && *change.BrowseToURL != "" {
		at.url = *change.BrowseToURL
	}
	if change.State == nil {
		return nil
	}
	before := at.state
	at.state = *change.State
	at.approval = at.approval || at.state == ipn.NeedsMachineAuth
	if at.state == ipn.NeedsLogin && (withheld || before == ipn.Starting) && key != "" && !at.retried {
		at.retried = true
		return n.offerKey(ctx, key)
	}
	return nil
}

// offerKey logs in again: tsnet uses a key only for a state folder that knows no node yet, not for one whose node has
// expired.
func (n *node) offerKey(ctx context.Context, key string) error {
	n.usedKey = true
	if err := n.local.Start(ctx, ipn.Options{AuthKey: key}); err != nil {
		return fail("ESTART", "the node could not log in again: %w", err)
	}
	if err := n.local.StartLoginInteractive(ctx); err != nil {
		return fail("ESTART", "the node could not log in again: %w", err)
	}
	return nil
}

// overdue returns the step that ran out of time.
func (at *login) overdue() error {
	switch {
	case at.approval:
		return fail("ELOGIN", "%s", notAdmitted)
	case at.url != "":
		return &failure{code: "ELOGIN", url: at.url, err: errors.New("the node is not logged in yet: open " + at.url + " in a browser, or give it an auth key")}
	default:
		return fail("ECONTROL", "the control server did not answer in time (state %s)", at.state)
	}
}

// ended prefers the reason for which the node was ended.
func (n *node) ended(otherwise error) error {
	if cause := context.Cause(n.ctx); cause != nil {
		return cause
	}
	return otherwise
}

const notAdmitted = "an administrator of the tailnet has to admit it"

// The message for a node that was in the tailnet, and that its server asks to log in.
const gone = "the node was deleted on the control server"
const over = "the login of the node is over: it has expired, or was ended or deleted on the control server"

// follow continues to report after the login.
func (n *node) follow(changes <-chan ipn.Notify) {
	for change := range changes {
		if change.SelfChange != nil || len(change.PeersChanged) > 0 || len(change.PeersRemoved) > 0 || change.State != nil {
			n.names.forget()
			n.identities.forget()
		}
		if change.SelfChange != nil {
			n.self.update(change.SelfChange)
		}
		n.report(change)
		if change.ErrMessage != nil {
			n.out.event("error", fields{"node": n.name, "code": "EAUTH", "error": n.out.secrets.blot(*change.ErrMessage)})
		}
	}
}

func (n *node) report(change ipn.Notify) {
	if change.State != nil {
		n.self.enter(*change.State)
		n.out.event("state", fields{"node": n.name, "state": change.State.String()})
		if *change.State == ipn.NeedsMachineAuth {
			n.out.event("needs_approval", fields{"node": n.name})
		}
	}
	if change.BrowseToURL != nil && *change.BrowseToURL != "" {
		n.self.offer(*change.BrowseToURL)
		n.out.event("auth_url", fields{"node": n.name, "url": *change.BrowseToURL})
	}
}
