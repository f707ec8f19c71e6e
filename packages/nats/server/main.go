// troupe-nats is nats-server, unchanged, as a program that belongs to another one: it reports on its standard output
// where clients connect, and ends when its standard input closes, however the owner ended.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// How long the server may take until it accepts clients. Recovery of large streams takes seconds.
const startTimeout = 60 * time.Second

type ready struct {
	Client  string `json:"client"`
	Version string `json:"version"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "troupe-nats:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("troupe-nats", flag.ContinueOnError)
	version := func() { fmt.Println(server.VERSION) }
	options, err := server.ConfigureOptions(flags, args, version, flags.Usage, flags.Usage)
	if err != nil {
		return err
	}
	if options == nil {
		return nil
	}
	nats, err := server.NewServer(options)
	if err != nil {
		return err
	}
	nats.ConfigureLogger()
	if err := server.Run(nats); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		nats.Shutdown()
	}()
	if !nats.ReadyForConnections(startTimeout) {
		nats.Shutdown()
		return fmt.Errorf("it did not accept clients within %s", startTimeout)
	}
	if err := json.NewEncoder(os.Stdout).Encode(ready{Client: nats.ClientURL(), Version: server.VERSION}); err != nil {
		nats.Shutdown()
		return err
	}
	nats.WaitForShutdown()
	return nil
}
