/* oxlint-disable eslint/no-var, eslint/no-unused-vars */
// Runs in the page, before the bundle and in the same function. It is ES5, for every browser that the bundle supports.
// With it, one script tag is the whole installation: the bundle itself takes its host and key only from an https tag or
// from the global of Segment's snippet, and without the snippet a page could make no calls until the bundle is loaded.
var tributaryApiHost = (function (window, document) {
  var script = document.currentScript
  var place = script && /^(https?:\/\/.+)\/analytics\.js\/v1\/([^/]+)\//.exec(script.src)
  var name = (script && script.getAttribute('data-global-segment-analytics-key')) || 'analytics'
  var analytics = (window[name] = window[name] || [])
  if (place) {
    analytics._cdn = analytics._cdn || place[1]
    analytics._writeKey = analytics._writeKey || decodeURIComponent(place[2])
  }
  // Segment's snippet has added the methods itself.
  if (!analytics.initialize && !analytics.invoked) {
    analytics.invoked = true
    addMethods(analytics, name)
  }
  // The bundle uses this host until it has settings; the vendor's host is never used.
  return (place ? place[1].replace(/^https?:\/\//, '') : window.location.host) + '/v1'

  /** Queues calls until the bundle is ready, each with the page at the time of the call. */
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

  /** In the bundle's form for the page context of a buffered call. */
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
