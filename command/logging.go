package command

import (
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// logging are the flags that say what is logged and how.
type logging struct {
	level, format *string
	levelGiven    *bool
}

func addLogFlags(app *kingpin.Application) logging {
	given := new(bool)
	return logging{
		levelGiven: given,
		level: app.Flag("log.level", "Only log messages of this severity or above: debug, info, warn, error.").
			Default("info").IsSetByUser(given).Enum("debug", "info", "warn", "error"),
		format: app.Flag("log.format", "Output format of log messages: console, json.").
			Default("console").Enum("console", "json"),
	}
}

// quiet is for commands whose output is a picture: without a level on the command line, only warnings and errors are logged.
func (l logging) quiet() logging {
	if !*l.levelGiven {
		warn := "warn"
		l.level = &warn
	}
	return l
}

// logger returns a logger on top of a zap core: nothing is sampled away, and errors carry no stack traces.
func (l logging) logger(w io.Writer) (*slog.Logger, error) {
	level, err := zapcore.ParseLevel(*l.level)
	if err != nil {
		return nil, err
	}
	fields := zapcore.EncoderConfig{
		TimeKey:        "ts",
		LevelKey:       "level",
		CallerKey:      "caller",
		MessageKey:     "msg",
		LineEnding:     zapcore.DefaultLineEnding,
		EncodeLevel:    zapcore.LowercaseLevelEncoder,
		EncodeTime:     encodeUTC,
		EncodeDuration: zapcore.StringDurationEncoder,
		EncodeCaller:   zapcore.ShortCallerEncoder,
	}
	encoder := zapcore.NewConsoleEncoder(fields)
	if *l.format == "json" {
		encoder = zapcore.NewJSONEncoder(fields)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level)
	// The handler of zapslog adds a stack trace to every error unless its threshold is out of reach.
	return slog.New(zapslog.NewHandler(core, zapslog.WithCaller(true), zapslog.AddStacktraceAt(slog.Level(math.MaxInt)))), nil
}

func encodeUTC(t time.Time, enc zapcore.PrimitiveArrayEncoder) {
	enc.AppendString(t.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}
