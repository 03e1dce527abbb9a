package probe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// gRPC's health checking protocol: grpc.health.v1. Its messages are so small that
// nothing is needed to read them.

const (
	healthMethod = "/grpc.health.v1.Health/Check"
	// frameHead is the length of what is in front of a message: whether it is
	// compressed, and its length.
	frameHead = 5
	// serving is the one state of HealthCheckResponse.ServingStatus that is well.
	serving = 1
)

var errHealthAnswer = errors.New("the answer is none of grpc.health.v1")

// askGRPC asks for the health of the server as a whole, which is the service
// without a name.
func (c check) askGRPC(ctx context.Context, client *http.Client) error {
	emptyMessage := bytes.NewReader(make([]byte, frameHead))
	request, err := c.request(ctx, http.MethodPost, healthMethod, emptyMessage)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	const most = 4 << 10
	body, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return err
	}
	status := answer.Trailer.Get("Grpc-Status")
	if status == "" {
		status = answer.Header.Get("Grpc-Status") // of an answer without a message
	}
	if answer.StatusCode != http.StatusOK || status != "0" {
		return fmt.Errorf("%s answered %d, and status %q of gRPC", request.URL, answer.StatusCode, status)
	}
	state, err := servingStatus(body)
	if err == nil && state != serving {
		err = fmt.Errorf("%s answered that it serves not, by state %d", request.URL, state)
	}
	return err
}

// servingStatus is the first field of the message in a frame.
func servingStatus(frame []byte) (state uint64, err error) {
	if len(frame) < frameHead || frame[0] != 0 || uint64(binary.BigEndian.Uint32(frame[1:])) != uint64(len(frame)-frameHead) {
		return 0, errHealthAnswer
	}
	message := frame[frameHead:]
	if len(message) == 0 {
		return 0, nil // the zero is left out
	}
	const field = 1 << 3 // and type 0, a varint
	state, n := binary.Uvarint(message[1:])
	if message[0] != field || n <= 0 {
		return 0, errHealthAnswer
	}
	return state, nil
}
