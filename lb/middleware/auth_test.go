package middleware

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// The password of each of these is "secret".
var passwordLines = map[string]string{
	"bcrypt": "$2y$04$gTlZSGS8eqHe.REtJo8gTupzQybI6iiNmfsGYcIW6ll9GqtnBx6re",
	"apr1":   "$apr1$NOFJWfZI$Brgp.w1rhu1veEBlB/zv7/",
	"sha":    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	"ssha":   "{SSHA}Wcm1xEisNjqp921ALcHfuQ7avFdzYWx0MTIzNA==",
	"sha256": "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
	"sha512": "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
}

func basic(name, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func TestBasicAuth(t *testing.T) {
	var users []string
	for name, hash := range passwordLines {
		users = append(users, name+":"+hash)
	}
	s := &spec.BasicAuth{Users: users, Realm: `a "b"`, HeaderField: "X-User", RemoveHeader: true}
	m := made(t, s)
	ask := func(lines ...string) (*lb.Exchange, *recorder) {
		x, r := exchange(t, "GET http://h/", lines...)
		m.Serve(x, upstream(200, ""))
		return x, r
	}
	if x, _ := ask("Authorization: Basic c2VjcmV0"); x.Outcome.Claimed != "" { // it may be a password alone
		t.Errorf("%q is taken for a name", x.Outcome.Claimed)
	}
	for name, hash := range passwordLines {
		wrong, _ := ask(basic(name, hash), "X-User: admin")
		for range 2 { // the second time is from memory
			x, r := ask(basic(name, "secret"), "X-User: admin", "X_User: admin")
			if r.status != 200 || x.Outcome.User != name || x.Header.Get("X-User") != name || x.Header.Has("X_User") || x.Header.Has("Authorization") {
				t.Errorf("%s: answered %d, user %q, upstream sees %q", name, r.status, x.Outcome.User, x.Header.Get("X-User"))
			}
		}
		if wrong.Outcome.Status != 401 || wrong.Outcome.User != "" || wrong.Outcome.Claimed != name {
			t.Errorf("%s: the hash is taken for the password: %d, user %q, said to be %q", name, wrong.Outcome.Status, wrong.Outcome.User, wrong.Outcome.Claimed)
		}
	}
	for _, line := range []string{
		"A: b", "Authorization: Basic !", "Authorization: Bearer x", basic("nobody", "secret"), basic("sha", "Secret"), basic("sha", ""),
		basic("sha\n", "secret"),
	} {
		_, r := ask(line)
		if r.status != 401 || r.header.Get("WWW-Authenticate") != `Basic realm="a \"b\""` || r.body.String() != "401 Unauthorized\n" {
			t.Errorf("%q: answered %d %v %q", line, r.status, r.header, r.body.String())
		}
	}
}

// counted is a password that counts how often it is looked at.
type counted struct{ looks *int }

func (c counted) MatchesPassword(string) bool {
	*c.looks++
	return false
}

// Who is no user costs as much as who is, so that nobody learns who is.
func TestUnknownUsersTakeAsLong(t *testing.T) {
	looks := 0
	m, err := newBasicAuth(&spec.BasicAuth{Users: []string{"a:" + passwordLines["sha"]}})
	if err != nil {
		t.Fatal(err)
	}
	m.users.now.Store(&contentOrError[userTable[credential]]{
		content: userTable[credential]{users: map[string]credential{"a": {EncodedPasswd: counted{&looks}}}},
	})
	for i, name := range []string{"a", "nobody", ""} {
		x, r := exchange(t, "GET http://h/", basic(name, "secret"))
		if m.Serve(x, upstream(200, "")); r.status != 401 || looks != i+1 {
			t.Errorf("%q got %d; passwords were looked at %d times, want %d", name, r.status, looks, i+1)
		}
	}
}

func TestBasicAuthPlainPasswords(t *testing.T) {
	m := made(t, &spec.BasicAuth{Users: []string{"a:plain"}, AllowPlain: true})
	x, r := exchange(t, "GET http://h/", basic("a", "plain"))
	if m.Serve(x, upstream(200, "")); r.status != 200 {
		t.Errorf("answered %d", r.status)
	}
}

// While a file of Fabio cannot be read nobody is let in, and then who is in it.
func TestUsersFileThatIsNotThereYet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	for _, s := range []*spec.BasicAuth{{UsersFile: path}, {Users: []string{"no user"}, Closed: true}} {
		if _, err := NewRegistry().Middleware("r", s); err == nil {
			t.Errorf("%+v is no error", s)
		}
	}
	m := made(t, &spec.BasicAuth{UsersFile: path, Refresh: time.Nanosecond, Closed: true})
	for i, text := range []string{"", "# nobody\n", "garbage\n", "a:" + passwordLines["sha"] + "\n", ""} {
		_ = os.Remove(path)
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want := http.StatusUnauthorized
		if strings.HasPrefix(text, "a:") {
			want = http.StatusOK
		}
		x, r := exchange(t, "GET http://h/", basic("a", "secret"))
		if m.Serve(x, upstream(200, "")); r.status != want {
			t.Errorf("file %d, %q: %d, want %d", i, text, r.status, want)
		}
	}
}

// What is wrong with a file is told without what is in it.
func TestFaultsOfUsersFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	const basicLine, digestLine, ha1 = "a:planted\n", "a:traefik:", "0123456789abcdef0123456789abcdef\n"
	for _, row := range []struct {
		text, basic, digest string
	}{
		{basicLine, "", "nobody is let in: there is no valid user in " + path},
		{"# people\n\n" + basicLine + "planted\n", "line 4 in " + path + " is no user, who is not let in", "nobody is let in: there is no valid user in " + path},
		{basicLine + ":planted\nb:\nplanted\n", "line 2 in " + path + " and 2 more are no users, who are not let in", "nobody is let in: there is no valid user in " + path},
		{digestLine + ha1 + "b:another realm:" + ha1, "", ""},
		{digestLine + ha1 + "planted\n", "line 2 in " + path + " is no user, who is not let in", "line 2 in " + path + " is no user, who is not let in"},
		{"", "nobody is let in: stat " + path + ": no such file or directory", "nobody is let in: stat " + path + ": no such file or directory"},
	} {
		if err := os.WriteFile(path, []byte(digestLine+ha1), 0o600); err != nil {
			t.Fatal(err)
		}
		basic, err := newBasicAuth(&spec.BasicAuth{UsersFile: path, Refresh: time.Nanosecond, AllowPlain: true, Closed: true})
		if err != nil {
			t.Fatal(err)
		}
		digest, err := newDigestAuth(&spec.DigestAuth{UsersFile: path})
		if err != nil {
			t.Fatal(err)
		}
		digest.users.refresh = time.Nanosecond
		os.Remove(path)
		if row.text != "" {
			if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range []struct {
			lb.Faulty
			want string
		}{{basic, row.basic}, {digest, row.digest}} {
			varies, err := m.Fault()
			if got := fmt.Sprint(err); !varies || got != cmp.Or(m.want, "<nil>") {
				t.Errorf("%T of %q: %v\nwant %s", m.Faulty, row.text, err, m.want)
			}
		}
	}
	m := made(t, &spec.BasicAuth{Users: []string{"a:b"}, AllowPlain: true}).(lb.Faulty)
	if varies, err := m.Fault(); varies || err != nil {
		t.Errorf("without a file: %v, %v", varies, err)
	}
}

// A password of a form nobody knows, and a user of another realm, cost that user
// alone. Both are told of without their hashes.
func TestUsersWhoCannotBeLetIn(t *testing.T) {
	m := made(t, &spec.BasicAuth{Users: []string{"lost:planted", "a:" + passwordLines["sha"]}})
	for name, want := range map[string]int{"a": 200, "lost": 401} {
		x, r := exchange(t, "GET http://h/", basic(name, "secret"))
		if m.Serve(x, upstream(200, "")); r.status != want {
			t.Errorf("%s got %d, want %d", name, r.status, want)
		}
	}
	const ha1 = ":0123456789abcdef0123456789abcdef"
	digest := made(t, &spec.DigestAuth{Users: []string{"a:traefik" + ha1, "b:team" + ha1, "c:team" + ha1}})
	for _, row := range []struct {
		lb.Middleware
		want string
	}{
		{m, `user 1: the hash of "lost" is of no known form (bcrypt, apr1, SHA, SSHA, SHA-crypt), who is not let in`},
		{digest, `user 2: of another realm: "b" is a user of the realm "team", not of "traefik", who is not let in; ` +
			`user 3: of another realm: "c" is a user of the realm "team", not of "traefik", who is not let in`},
	} {
		varies, err := row.Middleware.(lb.Faulty).Fault()
		if !varies || fmt.Sprint(err) != row.want {
			t.Errorf("%T: %v, %v\nwant %s", row.Middleware, varies, err, row.want)
		}
	}
}

func TestUsersFileIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "htpasswd")
	write := func(text string, at time.Time) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		write("# people\na:"+passwordLines["sha"]+"\nbroken\n", time.Unix(1, 0))
		m := made(t, &spec.BasicAuth{UsersFile: path, Users: []string{"fixed:" + passwordLines["sha"]}})
		ask := func(name string) int {
			x, r := exchange(t, "GET http://h/", basic(name, "secret"))
			m.Serve(x, upstream(200, ""))
			if r.status == 401 && x.Outcome.Err == nil {
				return 401
			}
			if x.Outcome.Err != nil {
				return -r.status
			}
			return r.status
		}
		check := func(when, name string, want int) {
			t.Helper()
			if got := ask(name); got != want {
				t.Errorf("%s: %s got %d, want %d", when, name, got, want)
			}
		}
		check("at first", "a", 200)
		check("at first", "fixed", 200)
		check("at first", "b", 401)
		write("b:"+passwordLines["sha"]+"\n", time.Unix(2, 0))
		time.Sleep(2 * time.Second)
		check("after a change", "b", 200)
		check("after a change", "a", 401)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		check("without the file", "b", -401)
		check("without the file", "fixed", -401)
		write("a:"+passwordLines["sha"]+"\n", time.Unix(2, 0))
		time.Sleep(2 * time.Second)
		check("when it is back", "a", 200)
	})
}

func TestDigestAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ha1 := md5Hex("a:traefik:secret")
		m := made(t, &spec.DigestAuth{Users: []string{"a:traefik:" + ha1}, HeaderField: "X-User"})
		ask := func(line string) (*lb.Exchange, *recorder) {
			x, r := exchange(t, "GET http://h/p?q", line)
			m.Serve(x, upstream(200, ""))
			return x, r
		}
		challenge := func(r *recorder) map[string]string {
			p, ok := digestParameters(r.header.Get("WWW-Authenticate"))
			if r.status != 401 || !ok || p["realm"] != "traefik" || p["qop"] != "auth" || p["algorithm"] != "MD5" {
				t.Fatalf("challenged by %d %v", r.status, r.header)
			}
			return p
		}
		answer := func(p map[string]string, nc, uri, password string) string {
			ha1 := md5Hex("a:traefik:" + password)
			response := md5Hex(ha1 + ":" + p["nonce"] + ":" + nc + ":c:auth:" + md5Hex("GET:"+uri))
			return fmt.Sprintf(`Authorization: Digest username="a", realm="traefik", nonce="%s", uri="%s", qop=auth, nc=%s, cnonce="c", response="%s", opaque="%s", algorithm=MD5`,
				p["nonce"], uri, nc, response, p["opaque"])
		}
		_, r := ask("A: b")
		p := challenge(r)
		if x, r := ask(answer(p, "00000001", "/p?q", "secret")); r.status != 200 || x.Outcome.User != "a" || x.Header.Get("X-User") != "a" {
			t.Errorf("the right answer got %d, user %q", r.status, x.Outcome.User)
		}
		if _, r := ask(answer(p, "00000002", "/p?q", "secret")); r.status != 200 {
			t.Errorf("the next count got %d", r.status)
		}
		if _, r := ask(answer(p, "00000002", "/p?q", "secret")); r.status != 401 || !strings.Contains(r.header.Get("WWW-Authenticate"), "stale=true") {
			t.Errorf("a replay got %d %v", r.status, r.header)
		}
		if x, _ := ask(answer(p, "00000003", "/p?q", "Secret")); x.Outcome.User != "" || x.Outcome.Claimed != "a" {
			t.Errorf("with a wrong password the user is %q, said to be %q", x.Outcome.User, x.Outcome.Claimed)
		}
		for name, line := range map[string]string{
			"a wrong password":  answer(p, "00000003", "/p?q", "Secret"),
			"another target":    answer(p, "00000003", "/other", "secret"),
			"another's nonce":   answer(map[string]string{"nonce": "x.y", "opaque": p["opaque"]}, "00000003", "/p?q", "secret"),
			"another's opaque":  answer(map[string]string{"nonce": p["nonce"], "opaque": "x"}, "00000003", "/p?q", "secret"),
			"an unknown user":   strings.Replace(answer(p, "00000003", "/p?q", "secret"), `"a"`, `"b"`, 1),
			"no parameters":     "Authorization: Digest x",
			"an open quotation": `Authorization: Digest username="a`,
		} {
			if _, r := ask(line); r.status != 401 {
				t.Errorf("%s got %d", name, r.status)
			}
		}
		time.Sleep(nonceAge + time.Second)
		_, r = ask(answer(p, "00000004", "/p?q", "secret"))
		if challenge(r)["stale"] != "true" {
			t.Errorf("an old nonce was answered %v", r.header)
		}
	})
}
