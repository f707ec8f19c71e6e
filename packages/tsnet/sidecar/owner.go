package main

import (
	"os"
	"path/filepath"
)

// Tagged nodes belong to nobody in particular.
const ownedByTags = "its tags"

// checkOwner keeps to whom the node belongs, and refuses a login by the key of somebody else: the control server makes another node of it then,
// with other rights, under a name that is trusted.
func (n *node) checkOwner(r *request, user string) error {
	if r.Ephemeral {
		return nil
	}
	file := filepath.Join(r.StateDir, "owner")
	if user == "" {
		user = ownedByTags
	}
	before, err := os.ReadFile(file)
	if err == nil && n.usedKey && string(before) != user {
		return fail("EAUTH", "the auth key belongs to %s, and the node to %s: give it a key of %s, or another state_dir (or hostname) to make it another node", user, before, before)
	}
	// Without the file the next login by a key is believed.
	_ = os.WriteFile(file, []byte(user), 0o600)
	return nil
}
