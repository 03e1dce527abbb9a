package acme

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/sluiceproxy/sluice/internal/capture"
)

func TestLibraryLog(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "",
		slog.LevelDebug: `level=DEBUG msg="certificates: a step" step="obtain: could not" details="map[again:2 error:no luck name:a.test]"`,
	} {
		var text capture.Buffer
		log := newLogger(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: level})))
		log.Named("obtain").With(zap.String("name", "a.test")).Error("could not", zap.Error(errors.New("no luck")), zap.Int("again", 2))
		if got := strings.TrimSpace(text.String()); !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("at level %v: %s", level, got)
		}
	}
}
