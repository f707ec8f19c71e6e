// Headscale, as it is: the coordination server that others run themselves, for tests of tailnets.
package main

import "github.com/juanfont/headscale/cmd/headscale/cli"

func main() { cli.Execute() }
