package traefikapi

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/redact"
)

// spellings are options of Traefik's as its API spells them, where that is not in
// lower case.
var spellings = func() map[string]string {
	words := map[string]string{}
	for word := range strings.FieldsSeq(`
		addPrefix stripPrefix stripPrefixRegex replacePath replacePathRegex redirectScheme redirectRegex basicAuth digestAuth forwardAuth
		ipAllowList ipWhiteList rateLimit inFlightReq inFlightConn circuitBreaker contentType encodedCharacters passTLSClientCert grpcWeb
		loadBalancer highestRandomWeight
		accessControlAllowCredentials accessControlAllowHeaders accessControlAllowMethods accessControlAllowOriginList
		accessControlAllowOriginListRegex accessControlExposeHeaders accessControlMaxAge addAuthCookiesToResponse addVaryHeader
		allowEncodedBackSlash allowEncodedHash allowEncodedNullCharacter allowEncodedPercent allowEncodedQuestionMark allowEncodedSemicolon
		allowEncodedSlash allowOrigins allowedHosts authRequestHeaders authResponseHeaders authResponseHeadersRegex authSigninURL autoDetect
		browserXssFilter caOptional checkPeriod commonName contentSecurityPolicy contentSecurityPolicyReportOnly contentTypeNosniff
		customBrowserXSSValue customFrameOptionsValue customRequestHeaders customResponseHeaders defaultEncoding dialTimeout
		disableRetryOnNetworkError domainComponent errorRequestHeaders excludedContentTypes excludedIPs failureWindow fallbackDuration
		featurePolicy followRedirects forceSTSHeader forceSlash forwardBody frameDeny headerField healthCheck hostsProxyHeaders httpOnly
		includedContentTypes initialInterval insecureSkipVerify ipStrategy ipv6Subnet isDevelopment maxActiveConns maxAge maxBodySize
		maxFailedAttempts maxRequestBodyBytes maxResponseBodyBytes maxResponseBodySize memRequestBodyBytes memResponseBodyBytes minIdleConns
		minResponseBodyBytes mirrorBody notAfter notBefore organizationalUnit passiveHealthCheck permissionsPolicy poolSize
		preserveLocationHeader preserveRequestMethod proxyProtocol publicKey readTimeout recoveryDuration referrerPolicy rejectStatusCode
		removeHeader requestHeaderName requestHost responseCode retryExpression retryNonIdempotentMethod sameSite serialNumber
		sourceCriterion sourceRange sslForceHost sslHost sslProxyHeaders sslRedirect sslTemporaryRedirect statusRewrites
		stsIncludeSubdomains stsPreload stsSeconds trustForwardHeader unhealthyInterval usersFile writeTimeout`) {
		words[strings.ToLower(word)] = word
	}
	return words
}()

func spelled(key string) string {
	if word, ok := spellings[key]; ok {
		return word
	}
	return key
}

// hiddenOptions are those that are no matter of others, whatever they are options
// of: of maps the values, of users the hashes.
var hiddenOptions = map[string]bool{
	"users": true, "key": true, "secret": true, "password": true, "customrequestheaders": true, "headers": true, "claims": true,
}

// askedURLs are URLs that nobody but us asks for: their parameters may be secrets. In
// those that clients get they may stand for something.
var askedURLs = map[string]bool{"address": true, "jwksurl": true}

// optionsOf is a struct of package spec in the form of Traefik's API, without
// what is as it is without options, and without secrets.
func optionsOf(of any) map[string]any {
	options := map[string]any{}
	v := reflect.Indirect(reflect.ValueOf(of))
	for i := range v.NumField() {
		key, field := v.Type().Field(i).Tag.Get("key"), v.Field(i)
		if key == "" || field.IsZero() {
			continue
		}
		switch {
		case hiddenOptions[key]:
			options[spelled(key)] = withoutSecrets(field.Interface())
		case askedURLs[key]:
			options[spelled(key)] = redact.URL(field.String())
		default:
			options[spelled(key)] = optionOf(field)
		}
	}
	return options
}

func optionOf(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case time.Duration:
		return value.String()
	case string:
		return withoutUser(value)
	case []string, map[string]string, bool, int, int64, float64:
		return value
	}
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil():
		return nil
	case v.Kind() == reflect.Pointer && v.Elem().Kind() != reflect.Struct:
		return optionOf(v.Elem())
	case v.Kind() == reflect.Pointer, v.Kind() == reflect.Struct:
		return optionsOf(v.Interface())
	case v.Kind() == reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, optionOf(v.Index(i)))
		}
		return list
	}
	return fmt.Sprint(v.Interface())
}

// withoutSecrets leaves of users their names, and of maps their keys.
func withoutSecrets(value any) any {
	switch value := value.(type) {
	case []string:
		list := make([]string, len(value))
		for i, text := range value {
			name, _, ok := strings.Cut(text, ":")
			if list[i] = redact.Word; ok {
				list[i] = name + ":" + redact.Word
			}
		}
		return list
	case map[string]string:
		made := make(map[string]string, len(value))
		for key := range value {
			made[key] = redact.Word
		}
		return made
	}
	return redact.Word
}

// withoutUser hides the password of a URL; other texts are as they are.
func withoutUser(text string) string {
	if u, err := url.Parse(text); err == nil && u.User != nil {
		u.User = url.User(redact.Word)
		return u.String()
	}
	return text
}
