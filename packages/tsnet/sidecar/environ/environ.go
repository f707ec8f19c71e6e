// Package environ removes variables from the environment that could control tsnet: keys that it would read itself, and
// debug knobs.
//
// It must run before tsnet's own packages, which read some variables during initialisation. Go initialises packages
// whose dependencies are ready in the order of their paths. This one has almost no dependencies and sorts before
// "tailscale.com".
package environ

import (
	"os"
	"strings"
)

var kept = map[string]bool{
	"TS_DEBUG_ACME_DIRECTORY_URL": true,
	"TS_DISABLE_PORTMAPPER":       true,
}

func init() {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); steers(name) {
			os.Unsetenv(name)
		}
	}
	os.Setenv("TS_NO_LOGS_NO_SUPPORT", "true")
}

func steers(name string) bool {
	return (strings.HasPrefix(name, "TS_") || strings.HasPrefix(name, "TSNET_")) && !kept[name]
}
