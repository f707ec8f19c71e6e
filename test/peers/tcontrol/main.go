// Tcontrol is a small coordination server for tests: one tailnet in memory, with a relay (DERP and STUN) and an ACME
// server (pebble) beside it, all on one loopback address. It reads commands as JSON lines from stdin,
// {"id":1,"op":"key",…}, and writes replies and events to stdout. The end of stdin ends it.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
)

func main() {
	ip := flag.String("ip", "127.0.0.1", "address of everything")
	domain := flag.String("domain", "tail.test", "the tailnet's MagicDNS suffix")
	logs := flag.Bool("v", false, "log on stderr")
	flag.Parse()
	if !*logs {
		log.SetOutput(io.Discard)
	}
	out := &printer{}
	tailnet := newTailnet(*domain, out)
	servers, err := startServers(*ip, tailnet)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out.print(fields{
		"ev": "ready", "url": tailnet.url, "acme": servers.acme.directory(), "acme_root": servers.acme.root(), "tls_root": servers.tlsRoot, "domain": *domain,
		"relay_port": servers.relay.port,
	})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		c := new(command)
		if err := json.Unmarshal(lines.Bytes(), c); err != nil {
			out.print(fields{"ev": "error", "error": err.Error()})
			continue
		}
		go func() {
			answer, err := c.carryOut(tailnet, servers)
			if answer == nil {
				answer = fields{}
			}
			answer["id"], answer["ok"] = c.ID, err == nil
			if err != nil {
				answer["error"] = err.Error()
			}
			out.print(answer)
		}()
	}
}

type fields map[string]any

type printer struct{ mu sync.Mutex }

func (p *printer) print(line fields) {
	encoded, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	os.Stdout.Write(append(encoded, '\n'))
}
