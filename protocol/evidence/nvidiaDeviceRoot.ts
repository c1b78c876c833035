/** SHA-256 of the DER of the certificate "NVIDIA Device Identity CA", above every GPU and switch of NVIDIA's. */
export const nvidiaDeviceRoot = "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48";
