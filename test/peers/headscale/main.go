// Headscale, unmodified: the self-hosted coordination server, for tests of tailnets.
package main

import "github.com/juanfont/headscale/cmd/headscale/cli"

func main() { cli.Execute() }
