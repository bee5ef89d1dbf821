/**
 * Takes the place of the package react-native, which runs on phones alone: an app that is in the foreground and has no
 * native modules. The SDK then keeps its queue in memory.
 */
module.exports = {
  AppState: { currentState: 'active', addEventListener: () => ({ remove() {} }) },
  NativeEventEmitter: class {
    addListener() {
      return { remove() {} }
    }
  },
  NativeModules: {
    AnalyticsReactNative: {
      getContextInfo: async () => ({ appName: 'Shop', appVersion: '1.0', deviceType: 'android', osName: 'Android' })
    }
  },
  Platform: { OS: 'android', select: choices => choices.android ?? choices.default }
}
