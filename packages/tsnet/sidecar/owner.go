package main

import (
	"os"
	"path/filepath"
)

// Tagged nodes have no owner.
const ownedByTags = "its tags"

// checkOwner records the owner of the node, and refuses a login by a key of another user: the control server would then
// make another node of it, with other rights, under a trusted name.
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
	// Without the file the next login by a key is trusted.
	_ = os.WriteFile(file, []byte(user), 0o600)
	return nil
}
