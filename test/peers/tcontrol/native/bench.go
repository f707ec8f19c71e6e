package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tailscale.com/tsnet"
)

type bench struct {
	server *tsnet.Server
	to     string
	length time.Duration
}

type figures struct {
	// RoundTrips a second of 64 bytes, by the number of connections.
	RoundTrips map[int]float64 `json:"round_trips"`
	// Bulk is MB/s over one connection.
	Bulk float64 `json:"bulk"`
	// DialP50 is in ms, one after the other.
	DialP50 float64 `json:"dial_p50"`
	// ThousandDials at once, in s.
	ThousandDials float64 `json:"thousand_dials"`
}

const (
	messageSize = 64
	bulkSize    = 128 << 20
	dials       = 200
)

func (b *bench) run() (*figures, error) {
	found := &figures{RoundTrips: map[int]float64{}}
	// The first connection finds the path.
	if _, err := b.roundTrips(1, b.length/4); err != nil {
		return nil, err
	}
	for _, connections := range []int{1, 16, 64} {
		rate, err := b.roundTrips(connections, b.length)
		if err != nil {
			return nil, err
		}
		found.RoundTrips[connections] = rate
	}
	var err error
	if found.Bulk, err = b.bulk(); err != nil {
		return nil, err
	}
	if found.DialP50, err = b.dialing(); err != nil {
		return nil, err
	}
	found.ThousandDials, err = b.dialingAtOnce(1000)
	return found, err
}

func (b *bench) dial(port string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return b.server.Dial(ctx, "tcp", net.JoinHostPort(b.to, port))
}

func (b *bench) roundTrips(connections int, length time.Duration) (float64, error) {
	var all sync.WaitGroup
	var count atomic.Int64
	var failed atomic.Value
	conns := []net.Conn{}
	for range connections {
		conn, err := b.dial(echoPort)
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	started := time.Now()
	for _, conn := range conns {
		all.Go(func() {
			message := make([]byte, messageSize)
			for time.Since(started) < length {
				if _, err := conn.Write(message); err != nil {
					failed.Store(err)
					return
				}
				if _, err := io.ReadFull(conn, message); err != nil {
					failed.Store(err)
					return
				}
				count.Add(1)
			}
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return float64(count.Load()) / time.Since(started).Seconds(), nil
}

func (b *bench) bulk() (float64, error) {
	conn, err := b.dial(discardPort)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	chunk := make([]byte, 64<<10)
	started := time.Now()
	for sent := 0; sent < bulkSize; sent += len(chunk) {
		if _, err := conn.Write(chunk); err != nil {
			return 0, err
		}
	}
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return 0, err
	}
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		return 0, err
	}
	return bulkSize / 1e6 / time.Since(started).Seconds(), nil
}

func (b *bench) dialing() (float64, error) {
	times := []float64{}
	for range dials {
		started := time.Now()
		conn, err := b.dial(echoPort)
		if err != nil {
			return 0, err
		}
		times = append(times, float64(time.Since(started).Microseconds())/1000)
		conn.Close()
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func (b *bench) dialingAtOnce(count int) (float64, error) {
	var all sync.WaitGroup
	var failed atomic.Value
	started := time.Now()
	for range count {
		all.Go(func() {
			conn, err := b.dial(echoPort)
			if err != nil {
				failed.Store(err)
				return
			}
			defer conn.Close()
		})
	}
	all.Wait()
	if err, ok := failed.Load().(error); ok {
		return 0, err
	}
	return time.Since(started).Seconds(), nil
}
