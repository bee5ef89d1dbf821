// Sends one call of each type with Segment's SDK for Go: go run . url writeKey marker
// It waits for the SDK's verdict on each before it closes the client: Close gives a batch that fails one more try at most.
package main

import (
	"fmt"
	"os"
	"time"

	analytics "gopkg.in/segmentio/analytics-go.v3"
)

const calls = 6

// More than the ten tries of the SDK take.
const patience = 60 * time.Second

// verdicts tells for each message whether it was delivered.
type verdicts chan bool

func (v verdicts) Success(analytics.Message) { v <- true }
func (v verdicts) Failure(message analytics.Message, err error) {
	fmt.Fprintln(os.Stderr, "lost:", err)
	v <- false
}

func main() {
	url, key, marker := os.Args[1], os.Args[2], os.Args[3]
	told := make(verdicts, calls)
	client, err := analytics.NewWithConfig(key, analytics.Config{Endpoint: url, BatchSize: calls, Callback: told})
	if err != nil {
		panic(err)
	}
	marked := func(kind string) map[string]interface{} {
		return map[string]interface{}{"marker": marker + "-" + kind}
	}
	user := "go-user"
	client.Enqueue(analytics.Identify{UserId: user, Traits: marked("identify")})
	client.Enqueue(analytics.Track{UserId: user, Event: "Signed Up", Properties: marked("track")})
	client.Enqueue(analytics.Page{UserId: user, Name: "Home", Properties: marked("page")})
	client.Enqueue(analytics.Screen{UserId: user, Name: "Start", Properties: marked("screen")})
	client.Enqueue(analytics.Group{UserId: user, GroupId: "group-1", Traits: marked("group")})
	client.Enqueue(analytics.Alias{UserId: user, PreviousId: marker + "-alias"})
	lost := 0
	timeout := time.After(patience)
	for i := 0; i < calls; i++ {
		select {
		case delivered := <-told:
			if !delivered {
				lost++
			}
		case <-timeout:
			lost += calls - i
			i = calls
		}
	}
	client.Close()
	if lost > 0 {
		os.Exit(1)
	}
}
