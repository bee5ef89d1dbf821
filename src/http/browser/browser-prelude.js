/* oxlint-disable eslint/no-var, eslint/no-unused-vars */
// Runs in the page, before the bundle and in the same function; ES5, for every browser that the bundle supports.
// It makes one script tag the whole installation: the bundle takes its host and key only from an https tag or from
// what the page's snippet left in the global, and without that snippet there would be nothing to call meanwhile.
var tributaryApiHost = (function (window, document) {
  var script = document.currentScript
  var place = script && /^(https?:\/\/.+)\/analytics\.js\/v1\/([^/]+)\//.exec(script.src)
  var name = (script && script.getAttribute('data-global-segment-analytics-key')) || 'analytics'
  var analytics = (window[name] = window[name] || [])
  if (place) {
    analytics._cdn = analytics._cdn || place[1]
    analytics._writeKey = analytics._writeKey || decodeURIComponent(place[2])
  }
  // Segment's snippet brings its own.
  if (!analytics.initialize && !analytics.invoked) {
    analytics.invoked = true
    addMethods(analytics, name)
  }
  // Until the settings say otherwise; never the vendor's.
  return (place ? place[1].replace(/^https?:\/\//, '') : window.location.host) + '/v1'

  /** Keeps calls for the bundle until it is ready, each with the page as it was then. */
  function addMethods(queue, name) {
    var calls = ['track', 'screen', 'alias', 'group', 'page', 'identify']
    var others =
      'trackSubmit trackClick trackLink trackForm pageview reset ready debug once off on addSourceMiddleware ' +
      'addIntegrationMiddleware setAnonymousId addDestinationMiddleware register'
    var methods = calls.concat(others.split(' '))
    for (var i = 0; i < methods.length; i++) queue[methods[i]] = keep(methods[i], calls.indexOf(methods[i]) >= 0)

    function keep(method, isCall) {
      return function () {
        if (window[name].initialized) return window[name][method].apply(window[name], arguments)
        var call = [method].concat(Array.prototype.slice.call(arguments))
        if (isCall) call.push(pageNow())
        queue.push(call)
        return queue
      }
    }
  }

  /** In the form that the bundle knows as the context of a buffered call. */
  function pageNow() {
    var canonical = document.querySelector("link[rel='canonical']")
    return {
      __t: 'bpc',
      c: (canonical && canonical.getAttribute('href')) || undefined,
      p: window.location.pathname,
      u: window.location.href,
      s: window.location.search,
      t: document.title,
      r: document.referrer
    }
  }
})(window, document)
